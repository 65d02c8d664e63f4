// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	orders = flag.Int("orders", 300, "how many random orders of acts TestAnyOrder tries")
	order  = flag.Uint64("order", 0, "the only one to try; 0: all, from 1")
)

// TestAnyOrder drains by hand, resumes, lets operators act at one to three registrars, in any order and with any
// pauses, and looks whether the set of causes decides in the end; then it shuts down, and looks whether others could
// still see the instance. Some registrars fail, some do not heed their contexts.
func TestAnyOrder(t *testing.T) {
	first, last := uint64(1), uint64(*orders)
	if *order != 0 {
		first, last = *order, *order
	}
	for seed := first; seed <= last; seed++ {
		synctest.Test(t, func(t *testing.T) { newActs(seed).test(t) })
		if t.Failed() {
			t.Fatalf("repeat with: go test ./lifecycle -run TestAnyOrder -order=%d", seed)
		}
	}
}

type acts struct {
	*dice
	*Manager
	began      time.Time
	recorder   *recorder
	registrars []*modelRegistrar
	fails      bool // some registrar may
	deaf       bool
	hand       bool // as it should be
	callers    sync.WaitGroup

	mu    sync.Mutex
	trace []string
}

func newActs(seed uint64) *acts {
	a := &acts{dice: newDice(seed), began: time.Now(), recorder: newRecorder()}
	a.fails, a.deaf = a.one(3), a.one(3)
	opts := []Option{
		WithCalls(&fakeCalls{recorder: a.recorder}), WithHealth(fakeHealth{a.recorder}), WithPolicy(Policy(a.below(2))),
		WithLogger(slog.New(slog.DiscardHandler)),
	}
	slow := []time.Duration{1900 * time.Millisecond, 500 * time.Millisecond, time.Millisecond, 0}
	for n := range 1 + a.below(3) {
		r := &modelRegistrar{
			name: fmt.Sprint("registrar ", n+1), dice: a.dice, slow: slow[a.below(4)], fails: a.fails, deaf: a.deaf && n == 0,
			wake: make(chan struct{}, 1),
		}
		if r.deaf {
			r.slow = slow[0]
		}
		a.registrars = append(a.registrars, r)
		opts = append(opts, WithRegistrar(r))
	}
	a.Manager = New(&fakeServer{recorder: a.recorder, stopped: make(chan struct{})}, opts...)
	return a
}

func (a *acts) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trace = append(a.trace, fmt.Sprint(time.Since(a.began), " ", fmt.Sprintf(format, args...)))
}

func (a *acts) test(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	result := make(chan error, 1)
	go func() { result <- a.Run(ctx, fakeListener{}) }()
	if a.one(2) {
		time.Sleep(time.Minute)
	}
	pauses := []time.Duration{0, time.Microsecond, time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 2 * time.Second, 20 * time.Second}
	for range 1 + a.below(12) {
		a.act()
		time.Sleep(pauses[a.below(int64(len(pauses)))])
	}
	if a.one(2) {
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		a.checkCauses(t)
	}
	a.recorder.reset()
	began := time.Now()
	cancel(errTerminate)
	a.checkGracefulStop(t)
	err := <-result
	if took := time.Since(began); took > DefaultBudget+time.Second {
		t.Errorf("Run took %v, want at most the budget and a second", took)
	}
	if err != nil && !a.fails && !a.deaf {
		t.Errorf("Run() = %v, want nil", err)
	}
	a.callers.Wait() // nobody waits for ever
	if t.Failed() {
		for _, line := range a.trace {
			t.Log(line)
		}
	}
	time.Sleep(time.Minute) // calls that were abandoned
}

func (a *acts) act() {
	switch a.below(3) {
	case 0:
		a.hand = true
		a.call("Drain", func(ctx context.Context) error { return a.Drain(ctx) })
	case 1:
		a.hand = false
		a.call("Resume", a.Resume)
	default:
		offline, one := a.one(2), a.below(int64(len(a.registrars)))
		everywhere := a.one(4)
		for n, r := range a.registrars {
			if everywhere || n == int(one) {
				a.note("operator at %s: offline %t", r, offline)
				r.operate(offline)
			}
		}
	}
}

// call returns when the call has got as far as it gets at once.
func (a *acts) call(name string, call func(context.Context) error) {
	a.note("%s", name)
	a.callers.Go(func() { a.note("%s() = %v", name, call(context.Background())) })
	synctest.Wait()
}

// checkCauses: by hand, or by an operator at all registrars, and by nothing else.
func (a *acts) checkCauses(t *testing.T) {
	s := a.Status()
	everywhere := true
	for n, r := range a.registrars {
		r.mu.Lock()
		everywhere = everywhere && r.held
		unconfirmed := a.fails && s.Registrars[n].State == Unconfirmed
		if r.visible() && a.hand && !unconfirmed {
			t.Errorf("others see %s, and it is drained by hand", r)
		}
		if !r.listed && !a.hand {
			t.Errorf("%s does not list the instance, and nobody drains it by hand", r)
		}
		r.mu.Unlock()
		since, seen := a.reconcilers[n].absence()
		if seen && (r.visible() || since.Before(r.seen)) {
			t.Errorf("%s is said to be absent since %v, and was seen at %v, now %t", r, since.Sub(a.began), r.seen.Sub(a.began), r.visible())
		}
	}
	want := Serving
	if a.hand || everywhere {
		want = Draining
	}
	if s.State != want {
		t.Errorf("Status() = %+v, want %v: by hand %t, by operators everywhere %t", s, want, a.hand, everywhere)
	}
	events := a.recorder.events()
	if want == Serving && (lastOf(events, "health.Resume") < lastOf(events, "health.Drain", "health.Shutdown", "health.CloseTraffic") ||
		lastOf(events, "calls.Resume") < max(lastOf(events, "calls.Drain"), lastOf(events, "calls.Refuse"))) {
		t.Errorf("events = %q, want the resumes last", events)
	}
}

// checkGracefulStop: nobody sees the instance any more, and with Lossless not since settle, unless the Report says so.
func (a *acts) checkGracefulStop(t *testing.T) {
	for lastOf(a.recorder.events(), "GracefulStop") < 0 {
		time.Sleep(time.Millisecond)
	}
	if a.Report().Unconfirmed {
		return
	}
	for _, r := range a.registrars {
		r.mu.Lock()
		if since := time.Since(r.seen); r.visible() || a.policy == Lossless && since < modelSettle {
			t.Errorf("GracefulStop, confirmed: visible at %s: %t, last seen %v before", r, r.visible(), since)
		}
		r.mu.Unlock()
	}
}
