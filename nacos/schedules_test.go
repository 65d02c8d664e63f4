// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
)

var (
	schedules    = flag.Int("schedules", 4, "how many random fault schedules TestSchedules plays")
	scheduleSeed = flag.Uint64("schedule-seed", 1, "seed of the first schedule; the next ones count on from it")
	atOnce       = flag.Int("schedules-at-once", 16, "how many schedules are played at the same time")
)

// TestSchedules plays random faults of the registry, operators and restarts under load: a schedule is what follows from
// its seed, apart from timing. Whatever comes, no instance may take itself for offline that no operator has switched
// off, none may stay listed after its exit unless its Report says unconfirmed, clients with the resolver lose nothing,
// and hand-written ones nothing that no Report accounts for.
func TestSchedules(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 s")
	}
	t.Parallel()
	results := make(chan outcome)
	var players sync.WaitGroup
	seeds := make(chan uint64)
	for range min(*atOnce, *schedules) {
		players.Go(func() {
			for seed := range seeds {
				results <- playSchedule(seed)
			}
		})
	}
	go func() {
		defer close(results)
		defer players.Wait()
		defer close(seeds)
		for k := range *schedules {
			seeds <- *scheduleSeed + uint64(k)
		}
	}()
	var sum figures
	for o := range results {
		sum.add(o.figures)
		for _, violation := range o.violations {
			t.Errorf("schedule %d: %s", o.seed, violation)
		}
		if len(o.violations) > 0 {
			t.Errorf("schedule %d again: go test ./nacos -run Schedules -schedules=1 -schedule-seed=%d\nplan:\n%s\nlog:\n%s",
				o.seed, o.seed, o.plan, o.log)
		}
	}
	t.Log(sum)
}

// An outcome is what one schedule has come to.
type outcome struct {
	figures
	seed       uint64
	violations []string
	plan       string
	log        string
}

// noticed is how long an absence takes at most to be taken for an operator's offline.
const noticed = nacos.Grace + nacos.ProbeWait + 2*nacos.ConfirmWait

func playSchedule(seed uint64) (o outcome) {
	var log lockedBuffer
	s := &scene{service: fmt.Sprintf("schedule-%d", seed), log: newScheduleLog(&log)}
	o.seed = seed
	fail := func(format string, args ...any) { o.violations = append(o.violations, fmt.Sprintf(format, args...)) }
	p := newPlan(seed, s)
	if err := s.open(); err != nil {
		fail("the scene does not start: %v", err)
	} else {
		s.play(p, fail)
	}
	s.close(fail)
	o.figures = s.figures
	o.figures.schedules, o.figures.faults = 1, p.kinds()
	if s.count > 1 {
		o.figures.clusters = 1
	}
	o.plan, o.log = p.String(), log.String()
	return o
}

// play lets the steps happen, then heals everything, waits until all instances are back, and until an absence that was
// taken for an offline would have shown. Then the instances go, under load but for the first.
func (s *scene) play(p *plan, fail func(string, ...any)) {
	began := time.Now()
	for _, step := range p.steps {
		time.Sleep(time.Until(began.Add(step.at)))
		s.log.Warn("step", "name", step.name)
		if err := step.run(); err != nil {
			fail("%s: %v", step.name, err)
		}
	}
	s.log.Warn("step", "name", "heal")
	if err := s.heal(); err != nil {
		fail("heal: %v", err)
	}
	healed := time.Now()
	if missing := s.awaitAllListed(45 * time.Second); missing != "" {
		fail("45 s after all faults: %s", missing)
		return
	}
	s.log.Warn("step", "name", "all listed", "after", time.Since(healed))
	time.Sleep(time.Until(healed.Add(max(noticed, s.skew))))
	// The registry gives up a cut connection after three seconds, the SDK in eight or more.
	if missing := s.awaitAllListed(45 * time.Second); missing != "" {
		fail("53 s after all faults: %s", missing)
	}
	s.log.Warn("step", "name", "all listed still", "after", time.Since(healed))
}

func newScheduleLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
