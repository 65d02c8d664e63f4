// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"flag"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/internal/sim"
)

var (
	seeds = flag.Int("seeds", 8, "how many seeds to run")
	seed  = flag.Uint64("seed", 0, "the only seed to run, with its log; 0: -seeds of them, from 1")
)

// shown is how many losses or broken invariants of one run are printed.
const shown = 10

// A total sums the runs of one strategy.
type total struct {
	sim.Result
	lossySeeds, brokenSeeds int
}

func (s *total) add(r sim.Result) {
	s.Calls += r.Calls
	s.Streams += r.Streams
	s.Offlines += r.Offlines
	s.Failed += r.Failed
	s.Lost = append(s.Lost, r.Lost...)
	s.Broken = append(s.Broken, r.Broken...)
	s.lossySeeds += min(len(r.Lost), 1)
	s.brokenSeeds += min(len(r.Broken), 1)
}

func TestSchedules(t *testing.T) {
	strategies := []sim.Strategy{sim.Lossless, sim.Hasty, sim.Strict, sim.Plain}
	first, count := uint64(1), *seeds
	single := *seed != 0
	if single {
		first, count = *seed, 1
	}
	// Every call allocates and little lives on: collecting less often saves a third of the time.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	var mu sync.Mutex
	totals := make([]total, len(strategies))
	began := time.Now()
	t.Run("seeds", func(t *testing.T) {
		for s := first; s < first+uint64(count); s++ {
			t.Run(fmt.Sprint(s), func(t *testing.T) {
				t.Parallel()
				schedule := sim.NewSchedule(s)
				for n, strategy := range strategies {
					if strategy == sim.Hasty && !schedule.Small() {
						continue
					}
					r := play(t, schedule, strategy, fmt.Sprintf("go test ./internal/sim -seed=%d", s), single)
					mu.Lock()
					totals[n].add(r)
					mu.Unlock()
				}
			})
		}
	})
	for n, strategy := range strategies {
		s := totals[n]
		t.Logf("%-8v %d seeds: %d calls, %d streams, %d offlines; %d failed; lost %d on %d seeds, other invariants broken %d times on %d seeds",
			strategy, count, s.Calls, s.Streams, s.Offlines, s.Failed, len(s.Lost), s.lossySeeds, len(s.Broken), s.brokenSeeds)
		if strategy != sim.Lossless && len(s.Lost) == 0 && !single {
			t.Errorf("%v has lost nothing in %d seeds: the simulation cannot see loss", strategy, count)
		}
	}
	t.Logf("%v", time.Since(began).Round(time.Millisecond))
}

// play runs one schedule in a bubble of its own and reports what is not as it should be. A panic in a handler, or a
// bubble that does not end, takes the process with it: what has begun and not ended is on the standard output, which go
// test shows then.
func play(t *testing.T, schedule sim.Schedule, strategy sim.Strategy, repeat string, verbose bool) (r sim.Result) {
	t.Helper()
	fmt.Printf("begins: %v, %s\n", strategy, repeat)
	defer fmt.Printf("ends: %v, %s\n", strategy, repeat)
	defer func() {
		if p := recover(); p != nil {
			t.Fatalf("%v: %v\nrepeat with: %s", strategy, p, repeat)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		if verbose {
			log = slog.New(slog.NewTextHandler(t.Output(), nil)).With("strategy", strategy)
		}
		r = sim.Run(schedule, strategy, log)
	})
	complaints := slices.Clone(r.Broken)
	if strategy == sim.Lossless {
		complaints = append(complaints, r.Lost...)
	}
	for n, c := range complaints {
		if n == shown {
			t.Errorf("%v: and %d more", strategy, len(complaints)-shown)
			break
		}
		t.Errorf("%v: %s", strategy, c)
	}
	if len(complaints) > 0 {
		t.Logf("repeat with: %s", repeat)
	}
	return r
}
