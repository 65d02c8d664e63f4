// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Beside(8)
	testrun.Skip(slow...)
	m.Run()
}
