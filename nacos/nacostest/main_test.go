// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"flag"
	"os"
	"testing"

	"github.com/lameduck-go/lameduck/internal/shorttest"
)

// TestMain lets more tests run side by side than there are processors, unless -parallel says how many: these mostly
// wait for sockets and for the registry's delays.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "8")
	}
	shorttest.Skip(slow...)
	os.Exit(m.Run())
}
