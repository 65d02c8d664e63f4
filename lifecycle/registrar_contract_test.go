// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

// What the Manager is tested with keeps the contract that it relies on.
func TestModelRegistrarContract(t *testing.T) {
	t.Parallel()
	for _, slow := range []time.Duration{0, 500 * time.Millisecond} {
		t.Run(slow.String(), func(t *testing.T) {
			t.Parallel()
			registrartest.Test(t, registrartest.Make{Bubble: true, World: func(testing.TB) registrartest.World {
				r, operate, visible := lifecycle.NewModelRegistrar(slow)
				return registrartest.World{
					New:     func() (lifecycle.Registrar, error) { return r, nil },
					Listed:  visible,
					Offline: func() { operate(true) },
					Online:  func() { operate(false) },
				}
			}})
		})
	}
}
