// SPDX-License-Identifier: Apache-2.0

package directory

import (
	"slices"
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
)

func TestContract(t *testing.T) {
	registrartest.Test(t, registrartest.Make{Bubble: true, World: func(testing.TB) registrartest.World {
		var d Directory
		return registrartest.World{
			New: func() (lifecycle.Registrar, error) { return d.Entry("10.0.0.7:8080"), nil },
			Listed: func() bool {
				d.mu.Lock()
				defer d.mu.Unlock()
				return slices.Contains(d.addrs, "10.0.0.7:8080")
			},
		}
	}})
}

func TestRegisterTwiceIsOneEntry(t *testing.T) {
	var d Directory
	e := d.Entry("10.0.0.7:8080")
	for range 2 {
		if err := e.Register(t.Context(), nil); err != nil {
			t.Fatalf("Register() = %v, want nil", err)
		}
	}
	if len(d.addrs) != 1 {
		t.Errorf("the directory has %v, want one entry", d.addrs)
	}
}
