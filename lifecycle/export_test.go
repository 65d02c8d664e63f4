// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// NewModelRegistrar returns the model of TestAnyOrder, either half of whose calls takes slow at most, what an operator does
// to it, and whether others can see it.
func NewModelRegistrar(slow time.Duration) (r Registrar, operate func(offline bool), visible func() bool) {
	m := &modelRegistrar{name: "model", dice: newDice(1), slow: slow, wake: make(chan struct{}, 1)}
	return m, m.operate, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.visible()
	}
}
