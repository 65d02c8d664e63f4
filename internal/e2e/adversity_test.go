// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/lifecycle"
)

const testBudget = 8 * time.Second

// quick is an offline that has nothing to wait for but what is in its way.
func quick(opts ...lifecycle.Option) []lifecycle.Option {
	return append([]lifecycle.Option{
		lifecycle.WithBudget(testBudget), lifecycle.WithSettle(0), lifecycle.WithQuiet(0), lifecycle.WithStreamGrace(200 * time.Millisecond),
	}, opts...)
}

type adversity struct {
	name   string
	server []grpc.ServerOption
	opts   []lifecycle.Option
	attack func(t *testing.T, i *instance)
	forced bool
	fails  bool // with another error
	atMost time.Duration
	check  func(t *testing.T, r lifecycle.Report)
}

// TestAdversity has a row for each way in which a peer or a handler can hold a stop up. Run returns within the budget
// and one second in all of them; atMost is what this library makes of it.
func TestAdversity(t *testing.T) {
	tests := []adversity{
		{name: "client that sends no preface", attack: raw(""), atMost: 3 * time.Second},
		{name: "client that sends half a preface", attack: raw(preface[:10]), atMost: 3 * time.Second},
		{name: "TLS client that stalls in its handshake", server: []grpc.ServerOption{grpc.Creds(selfSigned(t))}, attack: stallTLS, atMost: 3 * time.Second},
		{name: "peer that acks no ping", attack: raw(preface + settings), atMost: 7 * time.Second},
		{name: "peer that ignores GOAWAY", attack: ignoreGoAway, atMost: 4 * time.Second},
		{name: "handler that ignores its context", attack: stuckUnary, forced: true, atMost: testBudget + time.Second, check: oneCallCut},
		{name: "handler blocked in a lock", attack: lockedUnary, forced: true, atMost: testBudget + time.Second, check: oneCallCut},
		{
			name: "late handler that ignores its context", attack: lateStuckUnary, forced: true, atMost: testBudget + time.Second,
			check: func(t *testing.T, r lifecycle.Report) {
				if r.CallsAnswered != 1 || r.CallsCut != 0 {
					t.Errorf("Report: %d calls answered and %d cut, want 1 and 0", r.CallsAnswered, r.CallsCut)
				}
			},
		},
		{name: "handler blocked in Recv", attack: stuckRecv, atMost: 4 * time.Second, check: oneStreamEnded},
		{name: "handler blocked in Send with a full window", attack: stuckSend, forced: true, atMost: testBudget + time.Second, check: oneStreamEndedAndCut},
		{name: "health Watch of a plain client", attack: watch, atMost: 2 * time.Second},
		{name: "reflection stream that stays open", opts: []lifecycle.Option{lifecycle.WithStreamGrace(lifecycle.DefaultStreamGrace)}, attack: reflect, atMost: 2 * time.Second},
		{name: "upload that has sent its headers only", attack: slowUpload, forced: true, atMost: testBudget + time.Second, check: oneConnectionCut},
		{name: "slow reader of a large reply", attack: slowReader, forced: true, atMost: testBudget + time.Second, check: oneConnectionCut},
		{
			name: "OnStop hook that hangs", opts: []lifecycle.Option{lifecycle.WithOnStop(hang)}, fails: true, atMost: testBudget + time.Second,
			check: abandoned("OnStop hook 1"),
		},
		{
			name: "registrar whose Deregister hangs", opts: []lifecycle.Option{lifecycle.WithRegistrar(&stuckRegistrar{deregister: hang})},
			fails: true, atMost: testBudget/2 + time.Second, check: abandoned("Deregister of registrar 1"),
		},
		{
			name: "registrar whose Close hangs", opts: []lifecycle.Option{lifecycle.WithRegistrar(&stuckRegistrar{close: hang})},
			fails: true, atMost: 3 * time.Second, check: abandoned("Close of registrar 1"),
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t)
		})
	}
}

func (test adversity) run(t *testing.T) {
	i := startServer(t, nil, test.server, quick(test.opts...)...)
	if test.attack != nil {
		test.attack(t, i)
	}
	told := time.Now()
	i.stop()
	err := i.finish(t)
	took := time.Since(told)
	if test.forced != errors.Is(err, lifecycle.ErrForcedStop) || (test.forced || test.fails) != (err != nil) {
		t.Errorf("Run() = %v, want forced: %t, failed: %t", err, test.forced, test.forced || test.fails)
	}
	if took > test.atMost {
		t.Errorf("Run returned %v after the trigger, want at most %v", took, test.atMost)
	}
	if test.check != nil {
		test.check(t, i.Report())
	}
}

// hang ignores its context, and ends with the test binary.
func hang(context.Context) error { select {} }

// A stuckRegistrar lists at once.
type stuckRegistrar struct {
	deregister, close func(context.Context) error
}

func (r *stuckRegistrar) Register(context.Context, net.Addr) error { return nil }

func (r *stuckRegistrar) Deregister(ctx context.Context) error {
	if r.deregister != nil {
		return r.deregister(ctx)
	}
	return nil
}

func (r *stuckRegistrar) Close() error {
	if r.close != nil {
		return r.close(context.Background())
	}
	return nil
}

func abandoned(what string) func(*testing.T, lifecycle.Report) {
	return func(t *testing.T, r lifecycle.Report) {
		t.Helper()
		if !slices.Contains(r.Abandoned, what) {
			t.Errorf("Report.Abandoned = %q, want %q", r.Abandoned, what)
		}
	}
}

func oneCallCut(t *testing.T, r lifecycle.Report) {
	t.Helper()
	if r.CallsCut != 1 || r.ConnectionsCut != 1 {
		t.Errorf("Report: %d calls on %d connections cut, want 1 on 1", r.CallsCut, r.ConnectionsCut)
	}
}

// oneConnectionCut: no handler runs, and the client's call is lost all the same.
func oneConnectionCut(t *testing.T, r lifecycle.Report) {
	t.Helper()
	if r.ConnectionsCut != 1 || r.CallsCut != 0 {
		t.Errorf("Report: %d calls and %d connections cut, want 0 and 1", r.CallsCut, r.ConnectionsCut)
	}
}

func oneStreamEnded(t *testing.T, r lifecycle.Report) {
	t.Helper()
	if r.StreamsEnded != 1 || r.StreamsCut != 0 || r.ConnectionsCut != 0 {
		t.Errorf("Report: %d streams ended, %d streams and %d connections cut, want 1, 0 and 0", r.StreamsEnded, r.StreamsCut, r.ConnectionsCut)
	}
}

// oneStreamEndedAndCut: nobody reads the status.
func oneStreamEndedAndCut(t *testing.T, r lifecycle.Report) {
	t.Helper()
	if r.StreamsEnded != 1 || r.StreamsCut != 0 || r.ConnectionsCut != 1 {
		t.Errorf("Report: %d streams ended, %d streams and %d connections cut, want 1, 0 and 1", r.StreamsEnded, r.StreamsCut, r.ConnectionsCut)
	}
}
