// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "testing"

func TestNegativeDurationsAreZero(t *testing.T) {
	c := newConfig([]Option{WithBudget(-1), WithSettle(-1), WithQuiet(-1), WithStreamGrace(-1), WithRegisterTimeout(-1)})
	if c.budget != 0 || *c.settle != 0 || *c.quiet != 0 || c.streamGrace != 0 || c.registerTimeout != 0 {
		t.Errorf("budget %v, settle %v, quiet %v, grace %v, register timeout %v, want none",
			c.budget, *c.settle, *c.quiet, c.streamGrace, c.registerTimeout)
	}
}
