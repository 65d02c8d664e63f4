// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
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

// figures are what the schedules come to.
type figures struct {
	schedules, instances            int
	faults                          map[string]int
	calls, failed                   int64 // of clients with the resolver
	plainCalls, accounted           int64 // of clients with a channel per instance
	unaccounted                     int64
	falseOffline, ghosts, leftovers int
	unconfirmed, forced             int
}

func (f *figures) add(g figures) {
	f.schedules += g.schedules
	f.instances += g.instances
	f.calls += g.calls
	f.failed += g.failed
	f.plainCalls += g.plainCalls
	f.accounted += g.accounted
	f.unaccounted += g.unaccounted
	f.falseOffline += g.falseOffline
	f.ghosts += g.ghosts
	f.leftovers += g.leftovers
	f.unconfirmed += g.unconfirmed
	f.forced += g.forced
	if f.faults == nil {
		f.faults = map[string]int{}
	}
	for name, n := range g.faults {
		f.faults[name] += n
	}
}

func (f figures) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d schedules, %d instances: %d false offlines, %d ghosts, %d unconfirmed (%d of them listed after the exit), %d forced\n",
		f.schedules, f.instances, f.falseOffline, f.ghosts, f.unconfirmed, f.leftovers, f.forced)
	fmt.Fprintf(&s, "resolver: %d calls, %d failed\n", f.calls, f.failed)
	fmt.Fprintf(&s, "per instance: %d calls, %d failed and accounted for, %d others\n",
		f.plainCalls, f.accounted, f.unaccounted)
	s.WriteString("faults:")
	for _, name := range slices.Sorted(maps.Keys(f.faults)) {
		fmt.Fprintf(&s, " %s %d,", name, f.faults[name])
	}
	return strings.TrimSuffix(s.String(), ",")
}

// An outcome is what one schedule has come to.
type outcome struct {
	figures
	seed       uint64
	violations []string
	plan       string
	log        string
}

// A step is what happens at a time of a schedule.
type step struct {
	at   time.Duration
	name string
	run  func() error
	heal bool // it ends a fault, and is none itself
}

// A plan is the schedule that follows from a seed.
type plan struct {
	random *rand.Rand
	scene  *scene
	steps  []step
}

// newPlan draws three to eight faults. The first instance is spared by operators and restarts, so that there is always
// one to call.
func newPlan(seed uint64, s *scene) *plan {
	p := &plan{random: rand.New(rand.NewPCG(seed, 0x1a3e)), scene: s}
	s.size = 2 + p.random.IntN(2)
	faults := []func(*plan, time.Duration){
		(*plan).restart, (*plan).restart, (*plan).freeze, (*plan).closeConnection, (*plan).cutConnection,
		(*plan).loseRegistration, (*plan).staleList, (*plan).skewClock, (*plan).pushDelay, (*plan).failNext,
		(*plan).spoof, (*plan).operator, (*plan).operator, (*plan).restartInstance, (*plan).restartInstance,
	}
	at := p.upTo(time.Second)
	for range 3 + p.random.IntN(6) {
		faults[p.random.IntN(len(faults))](p, at)
		at += p.upTo(1200 * time.Millisecond)
	}
	slices.SortStableFunc(p.steps, func(a, b step) int { return int(a.at - b.at) })
	return p
}

func (p *plan) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d instances", p.scene.size)
	for _, step := range p.steps {
		fmt.Fprintf(&s, "\n%6d ms %s", step.at.Milliseconds(), step.name)
	}
	return s.String()
}

func (p *plan) upTo(d time.Duration) time.Duration { return time.Duration(p.random.Int64N(int64(d))) }

func (p *plan) add(at time.Duration, name string, run func() error) {
	p.steps = append(p.steps, step{at: at, name: name, run: run})
}

func (p *plan) end(at time.Duration, name string, run func() error) {
	p.steps = append(p.steps, step{at: at, name: name, run: run, heal: true})
}

// any is the number of an instance, other one that is not the first.
func (p *plan) any() int   { return p.random.IntN(p.scene.size) }
func (p *plan) other() int { return 1 + p.random.IntN(p.scene.size-1) }

func (p *plan) restart(at time.Duration) {
	outage, silent := p.upTo(2*time.Second), p.upTo(4*time.Second)-2*time.Second
	p.add(at, "registry restart", func() error {
		p.scene.registry.ServeAfter(max(silent, 0))
		p.scene.registry.Kill()
		return nil
	})
	p.end(at+outage, fmt.Sprintf("revive, serves %v later", max(silent, 0)), func() error { return p.scene.registry.Revive() })
}

func (p *plan) freeze(at time.Duration) {
	p.add(at, "freeze", func() error { p.scene.registry.Freeze(); return nil })
	p.end(at+200*time.Millisecond+p.upTo(4*time.Second), "thaw", func() error { p.scene.registry.Thaw(); return nil })
}

func (p *plan) closeConnection(at time.Duration) { p.drop(at, "close connection", nacostest.Closed) }
func (p *plan) cutConnection(at time.Duration)   { p.drop(at, "cut connection", nacostest.HalfOpen) }

// drop spares the clients' connections: what a consumer misses then is not the instance's doing.
func (p *plan) drop(at time.Duration, name string, how nacostest.Drop) {
	n := p.any()
	p.add(at, fmt.Sprintf("%s of %d", name, n), func() error {
		p.scene.registry.DropConnections(how, p.scene.addr(n))
		return nil
	})
}

func (p *plan) loseRegistration(at time.Duration) {
	n := p.any()
	p.add(at, fmt.Sprintf("lose registration of %d", n), func() error {
		p.scene.registry.LoseRegistration(p.scene.service, p.scene.addr(n))
		return nil
	})
}

func (p *plan) staleList(at time.Duration) {
	stale := func(on bool) func() error {
		return func() error { p.scene.registry.StaleList(p.scene.service, on); return nil }
	}
	p.add(at, "stale list", stale(true))
	p.end(at+p.upTo(3*time.Second), "fresh list", stale(false))
}

func (p *plan) skewClock(at time.Duration) {
	skew := p.upTo(20*time.Second) - 10*time.Second
	p.add(at, fmt.Sprintf("skew clock by %v", skew), func() error {
		p.scene.registry.SkewClock(skew)
		return nil
	})
}

func (p *plan) pushDelay(at time.Duration) {
	d := 100*time.Millisecond + p.upTo(time.Second)
	p.add(at, fmt.Sprintf("push delay %v", d), func() error { p.scene.registry.PushDelay(d); return nil })
}

// failNext spares subscriptions, as drop does.
func (p *plan) failNext(at time.Duration) {
	failures := []nacostest.Failure{nacostest.ErrorResponse, nacostest.Forbidden, nacostest.Timeout, nacostest.AnswerLost, nacostest.Ignored}
	ops := []nacostest.Op{nacostest.Register, nacostest.Deregister, nacostest.OpenList}
	failure, op, n := 1+p.random.IntN(len(failures)), ops[p.random.IntN(len(ops))], 1+p.random.IntN(3)
	p.add(at, fmt.Sprintf("fail next %d of %s, way %d", n, op, failure), func() error {
		p.scene.registry.FailNext(failures[failure-1], n, op)
		return nil
	})
}

func (p *plan) spoof(at time.Duration) {
	p.add(at, "spoofed datagram", func() error { return p.scene.spoof(time.Hour) })
}

func (p *plan) operator(at time.Duration) {
	n := p.other()
	p.add(at, fmt.Sprintf("operator offline %d", n), func() error { p.scene.setEnabled(n, false); return nil })
	if p.random.IntN(2) == 0 {
		p.end(at+p.upTo(9*time.Second), fmt.Sprintf("operator online %d", n), func() error {
			p.scene.setEnabled(n, true)
			return nil
		})
	}
}

func (p *plan) restartInstance(at time.Duration) {
	n := p.other()
	p.add(at, fmt.Sprintf("instance restart %d", n), func() error { return p.scene.restart(n) })
}

// kinds counts the faults of the plan by their name without the numbers.
func (p *plan) kinds() map[string]int {
	kinds := map[string]int{}
	for _, s := range p.steps {
		if s.heal {
			continue
		}
		words := strings.FieldsFunc(s.name, func(r rune) bool { return r == ' ' })
		kinds[strings.Join(words[:min(2, len(words))], " ")]++
	}
	return kinds
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
	time.Sleep(time.Until(healed.Add(noticed)))
	// The registry gives up a cut connection after three seconds, the SDK in eight or more.
	if missing := s.awaitAllListed(45 * time.Second); missing != "" {
		fail("53 s after all faults: %s", missing)
	}
	s.log.Warn("step", "name", "all listed still", "after", time.Since(healed))
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
