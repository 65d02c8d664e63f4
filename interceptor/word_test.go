// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
)

func TestWordOverflowFallsOff(t *testing.T) {
	var w word
	w.set(draining)
	w.enter()
	w.bits.Or(^(oneAdmitted - 1)) // as after 2^38 - 1 calls
	if bits := w.enter(); admitted(bits) != 0 || inFlight(bits) != 2 || bits&(refusing|draining) != draining {
		t.Errorf("enter() at the end of the sequence: admitted %d, in flight %d, flags %b, want 0, 2, draining",
			admitted(bits), inFlight(bits), bits&(refusing|draining))
	}
	w.leave()
	w.backOut()
	if bits := w.load(); admitted(bits) != 1<<38-1 || inFlight(bits) != 0 {
		t.Errorf("after leave() and backOut(): admitted %d, in flight %d, want 2^38-1, 0", admitted(bits), inFlight(bits))
	}
}

// TestRefusedOrCounted sets the flag a million times while one call is on its way in, a little later
// in the call each time. Once the flag is set and nothing in flight was seen, the handler may not run.
func TestRefusedOrCounted(t *testing.T) {
	rounds := uint64(1_000_000)
	if raceDetector {
		rounds /= 10 // it costs ten times as much and looks for something else
	}
	var tracker Tracker
	var round, answered atomic.Uint64
	var down atomic.Bool
	var ran, turnedAway, wrong uint64 // the caller's
	handler := func(context.Context, any) (any, error) {
		ran++
		if down.Load() {
			wrong++
		}
		return nil, nil
	}
	var caller sync.WaitGroup
	caller.Go(func() {
		intercept := tracker.UnaryServerInterceptor()
		info := &grpc.UnaryServerInfo{FullMethod: "/shop.v1.Orders/Get"}
		for r := uint64(1); r <= rounds; r++ {
			waitFor(&round, r)
			if _, err := intercept(context.Background(), nil, info, handler); err != nil {
				turnedAway++
			}
			answered.Store(r)
		}
	})
	for r := uint64(1); r <= rounds; r++ {
		round.Store(r)
		for range r % 64 {
			down.Load() // takes about as long as one step of the caller
		}
		tracker.Refuse()
		for inFlight(tracker.word.load()) != 0 {
			runtime.Gosched()
		}
		down.Store(true)
		waitFor(&answered, r)
		down.Store(false)
		tracker.Resume()
	}
	caller.Wait()
	t.Logf("%d calls ran, %d were refused", ran, turnedAway)
	if wrong != 0 {
		t.Errorf("%d handlers ran after the flag was set and nothing in flight was seen, want 0", wrong)
	}
	if got := tracker.Admitted(); got != ran {
		t.Errorf("Admitted() = %d, want %d, the handlers that ran", got, ran)
	}
	if got := tracker.Refused(); got != turnedAway || ran+turnedAway != rounds {
		t.Errorf("Refused() = %d, want %d, the calls without the %d that ran", got, rounds-ran, ran)
	}
	if unary, streams := tracker.InFlight(); unary != 0 || streams != 0 {
		t.Errorf("InFlight() = %d, %d, want 0, 0", unary, streams)
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
