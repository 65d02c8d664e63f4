// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }

func TestPaceKeepsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
		defer cancel()
		begun := 0
		pace(ctx, 100, seeded(), func() { begun++ })
		// Five standard deviations of a Poisson count of 10,000.
		if math.Abs(float64(begun-10_000)) > 500 {
			t.Errorf("pace at 100 a second began %d calls in 100 s, want 10000 within 500", begun)
		}
	})
}

func TestPaceLeavesNothingOutAfterASlowSpell(t *testing.T) {
	count := func(spell time.Duration) int {
		begun := 0
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			pace(ctx, 50, seeded(), func() {
				if begun++; begun == 100 {
					time.Sleep(spell)
				}
			})
		})
		return begun
	}
	if steady, late := count(0), count(5*time.Second); late != steady {
		t.Errorf("pace began %d calls with a slow spell of 5 s, want %d as without", late, steady)
	}
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		pace(ctx, 1e6, seeded(), func() { t.Error("pace began a call after the end of its context") })
	})
}
