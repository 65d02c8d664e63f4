// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/internal/sim"
)

// An operator puts a parked instance online, and SIGTERM comes before the instance has heard of it: the registry lists
// it again, and the absence of before must not count for settle. Few calls, or quiet hides it.
func TestOnlineJustBeforeTheEnd(t *testing.T) {
	for seed := range uint64(60) {
		s := sim.NewSchedule(seed)
		s.Slots, s.Rolling, s.Exit, s.Faults = 2, false, false, nil
		s.Spread, s.Settle, s.Quiet = 1400*time.Millisecond, 1500*time.Millisecond, 100*time.Millisecond
		s.Acts = [][]sim.Act{nil, {
			{Kind: sim.OperatorOffline},
			{Kind: sim.OperatorOnline, Pause: 6 * time.Second},
			{Kind: sim.Restart, Pause: s.Spread / 3},
		}}
		for n := range s.Clients {
			c := &s.Clients[n]
			c.Every, c.Deaf, c.Streams = 400*time.Millisecond, 0, 0
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			play(t, s, sim.Lossless, fmt.Sprintf("go test ./internal/sim -run '%s'", t.Name()), false)
		})
	}
}
