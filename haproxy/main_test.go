// SPDX-License-Identifier: Apache-2.0

package haproxy_test

import (
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

// slow are the tests that a short run leaves out.
var slow = []string{"TestReal.*"}

func TestMain(m *testing.M) {
	testrun.Beside(8)
	testrun.Skip(slow...)
	m.Run()
}
