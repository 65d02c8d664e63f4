// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
)

// TestRefusedOrCounted sets the flag again and again while one RPC is on its way in, a little later in it each time.
// Once the flag is set and nothing in flight was seen, the handler may not run.
func TestRefusedOrCounted(t *testing.T) {
	unary := func(r *race) func() error {
		intercept := r.tracker.UnaryServerInterceptor()
		handler := func(context.Context, any) (any, error) { r.handle(); return nil, nil }
		return func() error { _, err := intercept(context.Background(), nil, unaryInfo, handler); return err }
	}
	stream := func(r *race) func() error {
		intercept := r.tracker.StreamServerInterceptor()
		handler := func(any, grpc.ServerStream) error { r.handle(); return nil }
		return func() error { return intercept(nil, &bareStream{}, streamInfo, handler) }
	}
	for _, test := range []struct {
		name   string
		rounds uint64
		drain  bool
		call   func(*race) func() error
	}{
		{"unary call", 1_000_000, false, unary},
		{"late unary call", 200_000, true, unary},
		{"stream", 200_000, false, stream},
	} {
		t.Run(test.name, func(t *testing.T) {
			if raceDetector {
				test.rounds /= 10 // it costs ten times as much and looks for something else
			}
			r := &race{t: t, slow: test.name != "unary call", drain: test.drain, rounds: test.rounds}
			r.run(test.call(r))
		})
	}
}

var unaryInfo = &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Get"}

type race struct {
	t       *testing.T
	tracker Tracker
	slow    bool // a goroutine is on the way
	drain   bool
	rounds  uint64

	round, answered atomic.Uint64
	down            atomic.Bool
	ran, wrong      atomic.Uint64
	refused         uint64 // the caller's
}

func (r *race) handle() {
	r.ran.Add(1)
	if r.down.Load() {
		r.wrong.Add(1)
	}
}

func (r *race) run(call func() error) {
	var caller sync.WaitGroup
	caller.Go(func() {
		for n := uint64(1); n <= r.rounds; n++ {
			waitFor(&r.round, n)
			if err := call(); err != nil {
				r.refused++
			}
			r.answered.Store(n)
		}
	})
	for n := uint64(1); n <= r.rounds; n++ {
		if r.drain {
			r.tracker.Drain()
		}
		r.round.Store(n)
		r.linger(n)
		r.tracker.Refuse()
		for unary, streams := r.tracker.InFlight(); unary+streams != 0; unary, streams = r.tracker.InFlight() {
			runtime.Gosched()
		}
		r.down.Store(true)
		waitFor(&r.answered, n)
		r.down.Store(false)
		r.tracker.Resume()
	}
	caller.Wait()
	r.check()
}

// linger takes about as long as one step more of the caller each time.
func (r *race) linger(n uint64) {
	steps := n % 64
	if r.slow {
		steps = n % 1024
	}
	for range steps {
		r.down.Load()
	}
}

func (r *race) check() {
	r.t.Logf("%d RPCs ran, %d were refused", r.ran.Load(), r.refused)
	if wrong := r.wrong.Load(); wrong != 0 {
		r.t.Errorf("%d handlers ran after the flag was set and nothing in flight was seen, want 0", wrong)
	}
	if got := r.tracker.Admitted(); got != r.ran.Load() || r.ran.Load()+r.refused != r.rounds {
		r.t.Errorf("Admitted() = %d, want %d, the handlers that ran; %d were refused, of %d", got, r.ran.Load(), r.refused, r.rounds)
	}
	if got := r.tracker.Refused(); got != r.refused {
		r.t.Errorf("Refused() = %d, want %d", got, r.refused)
	}
	wantInFlight(r.t, &r.tracker, 0, 0)
}

// TestAnswerCallsMissesNobody answers while one call is on its way in: whoever is admitted after Refuse would never be
// answered, for their handler does not return.
func TestAnswerCallsMissesNobody(t *testing.T) {
	const rounds = 20_000
	var tracker Tracker
	intercept := tracker.UnaryServerInterceptor()
	var round, answered atomic.Uint64
	release := make(chan chan struct{}, 1)
	var caller sync.WaitGroup
	caller.Go(func() {
		for n := uint64(1); n <= rounds; n++ {
			waitFor(&round, n)
			letGo := <-release
			_, _ = intercept(context.Background(), nil, unaryInfo, func(context.Context, any) (any, error) {
				<-letGo
				return nil, nil
			})
			answered.Store(n)
		}
	})
	defer caller.Wait()
	for n := uint64(1); n <= rounds; n++ {
		tracker.Drain()
		letGo := make(chan struct{})
		release <- letGo
		round.Store(n)
		for range n % 512 {
			round.Load()
		}
		tracker.Refuse()
		tracker.AbandonCalls()
		for limit := time.Now().Add(20 * time.Second); answered.Load() < n; runtime.Gosched() {
			if time.Now().After(limit) {
				t.Errorf("round %d: a call was neither refused nor answered", n)
				break
			}
		}
		close(letGo)
		waitFor(&answered, n)
		tracker.Resume()
		if t.Failed() {
			round.Store(rounds) // lets the caller run out
			for range rounds - n {
				done := make(chan struct{})
				close(done)
				release <- done
			}
			return
		}
	}
}

// waitFor spins, so that both sides start within nanoseconds where there are two processors, and gives
// way where there is one.
func waitFor(n *atomic.Uint64, want uint64) {
	for spins := 1; n.Load() < want; spins++ {
		if spins%100 == 0 {
			runtime.Gosched()
		}
	}
}
