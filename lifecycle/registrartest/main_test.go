// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Skip(slow...)
	m.Run()
}

// slow are the tests that a short run leaves out.
var slow = []string{"TestMistakes"}
