// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Beside(16)
	testrun.Skip(slow...)
	m.Run()
}
