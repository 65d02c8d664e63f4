// SPDX-License-Identifier: Apache-2.0

package registrartest_test

import "testing"

func TestExample(t *testing.T) {
	t.Parallel()
	testRegistrar(t)
}
