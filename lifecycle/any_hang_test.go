// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var (
	hangs    = flag.Int("hangs", 300, "how many random sets of what hangs TestAnyHang tries")
	hangSeed = flag.Uint64("hang", 0, "the only one to try; 0: all, from 1")
)

// TestAnyHang lets any of what the Manager calls hang, with any budget and any traffic: Run returns within the budget
// and one second, and the Report names what hangs.
func TestAnyHang(t *testing.T) {
	first, last := uint64(1), uint64(*hangs)
	if *hangSeed != 0 {
		first, last = *hangSeed, *hangSeed
	}
	for seed := first; seed <= last; seed++ {
		synctest.Test(t, func(t *testing.T) { newHanging(seed).test(t) })
		if t.Failed() {
			t.Fatalf("repeat with: go test ./lifecycle -run TestAnyHang -hang=%d", seed)
		}
	}
}

// hanging is what hangs, by name, until it is released.
type hanging struct {
	*dice
	released   chan struct{}
	hangs      map[string]bool
	budget     time.Duration
	registrars int
	calls      *fakeCalls
	recorder   *recorder
}

func newHanging(seed uint64) *hanging {
	h := &hanging{dice: newDice(seed), released: make(chan struct{}), hangs: map[string]bool{}, recorder: newRecorder()}
	h.calls = &fakeCalls{recorder: h.recorder}
	for _, what := range []string{"Register", "Deregister", "Watch", "Close", "Serve", "GracefulStop", "Stop", "hook", "stage", "flush", "admin", "OnState", "log", "trace"} {
		h.hangs[what] = h.one(2)
	}
	budgets := []time.Duration{0, time.Millisecond, 100 * time.Millisecond, time.Second, 2 * time.Second, 10 * time.Second, DefaultBudget, time.Minute}
	h.budget = budgets[h.below(int64(len(budgets)))]
	h.registrars = int(h.below(3))
	return h
}

// may blocks when what hangs.
func (h *hanging) may(what string) {
	if h.hangs[what] {
		<-h.released
	}
}

func (h *hanging) options() []Option {
	any := func(of ...time.Duration) time.Duration { return of[h.below(int64(len(of)))] }
	opts := []Option{
		WithCalls(h.calls), WithHealth(fakeHealth{h.recorder}), WithBudget(h.budget), WithPolicy(Policy(h.below(2))),
		WithSettle(any(0, h.budget/4, h.budget/2)), WithQuiet(any(0, time.Millisecond, time.Second, time.Hour)),
		WithStreamGrace(any(0, time.Second, time.Hour)), WithStreamNotice(Notice(h.below(2))),
		WithOnState(func(State) { h.may("OnState") }),
		WithLogger(slog.New(sink{line: func(slog.Record) { h.may("log") }})),
	}
	if h.hangs["trace"] {
		opts = append(opts, WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(stuckExporter{h.released}))))
	}
	for range h.below(4) {
		opts = append(opts, WithOnStop(func(context.Context) error { h.may("hook"); return nil }))
	}
	for n := range h.below(3) {
		opts = append(opts, WithStage(fmt.Sprint("s", n+1), any(0, time.Second, time.Hour), func(context.Context) error { h.may("stage"); return nil }))
	}
	opts = append(opts, WithMeterProvider(flusher{noop.NewMeterProvider(), func(context.Context) error { h.may("flush"); return nil }}))
	opts = append(opts, WithAdmin(&hangingAdmin{hanging: h, stopped: make(chan struct{})}, fakeListener{}), WithOnReport(func(Report) { h.may("OnState") }))
	for n := range h.registrars {
		opts = append(opts, WithRegistrar(hangingRegistrar{h, fmt.Sprint("r", n+1)}))
	}
	if h.one(2) {
		opts = append(opts, WithServer(&hangingServer{hanging: h, stopped: make(chan struct{})}, fakeListener{}))
	}
	return opts
}

func (h *hanging) test(t *testing.T) {
	m := New(&hangingServer{hanging: h, stopped: make(chan struct{})}, h.options()...)
	ctx, cancel := context.WithCancelCause(context.Background())
	result := make(chan error, 1)
	go func() { result <- m.Run(ctx, fakeListener{}) }()
	time.Sleep(time.Minute)
	h.calls.set(int(h.below(3)), int(h.below(30)))
	h.calls.deaf = h.one(2)
	var acting sync.WaitGroup
	within := int64(h.budget + time.Second)
	if h.one(2) {
		time.AfterFunc(time.Duration(h.below(within)), func() { h.calls.set(0, 0) })
	}
	if h.one(4) {
		time.AfterFunc(time.Duration(h.below(within)), m.Force)
	}
	if h.one(2) {
		acting.Go(func() {
			for m.Status().State < Stopped {
				h.calls.admit(1)
				h.calls.refuse(1)
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
	began := time.Now()
	cancel(errTerminate)
	err := <-result
	if took := time.Since(began); took > h.budget+time.Second {
		t.Errorf("Run took %v, want the budget of %v and a second; hanging: %v", took, h.budget, h.hangs)
	}
	h.check(t, m, err)
	close(h.released)
	acting.Wait()
	time.Sleep(time.Hour) // what was abandoned
}

func (h *hanging) check(t *testing.T, m *Manager, err error) {
	abandoned := m.Report().Abandoned
	want := map[string]string{"Serve": "Serve", "admin": "Stop of admin server 1", "OnState": "OnState", "log": "the logger's handler"}
	if len(m.onStop) > 0 {
		want["hook"] = "OnStop hook 1"
	}
	if len(m.stages) > 0 {
		want["stage"] = "stage s1"
	}
	if got, want := slices.Contains(abandoned, "OpenTelemetry"), h.hangs["trace"] || h.hangs["flush"]; got != want {
		t.Errorf("Report.Abandoned = %q, OpenTelemetry among them: %t, want %t", abandoned, got, want)
	}
	if h.registrars > 0 {
		want["Close"], want["Register"] = "Close of r1", "Register of r1"
		if !h.hangs["Register"] { // else it never comes to these
			want["Watch"], want["Deregister"] = "Watch of r1", "Deregister of r1"
		}
	}
	for what, name := range want {
		got := slices.Contains(abandoned, name)
		if what == "Serve" && h.hangs["Stop"] {
			got = got && h.hangs[what] // it may wait for Stop
		}
		if got != h.hangs[what] {
			t.Errorf("Report.Abandoned = %q, %s among them: %t, want %t", abandoned, name, got, h.hangs[what])
		}
	}
	if failing := h.hangs["Serve"] || h.hangs["hook"] && len(m.onStop) > 0 || h.hangs["stage"] && len(m.stages) > 0 || h.registrars > 0 && h.hangs["Close"]; failing && err == nil {
		t.Errorf("Run() = nil, want an error; abandoned: %q", abandoned)
	}
}

type hangingRegistrar struct {
	*hanging
	name string
}

func (r hangingRegistrar) String() string { return r.name }

func (r hangingRegistrar) Register(context.Context, net.Addr) error {
	r.may("Register")
	return nil
}

func (r hangingRegistrar) Deregister(context.Context) error {
	r.may("Deregister")
	return nil
}

func (r hangingRegistrar) Watch(ctx context.Context, changed func(bool)) error {
	changed(true)
	r.may("Watch")
	<-ctx.Done()
	return context.Cause(ctx)
}

func (r hangingRegistrar) Close() error {
	r.may("Close")
	return nil
}

// hangingAdmin hangs in all that the Manager calls.
type hangingAdmin struct {
	*hanging
	stop    sync.Once
	stopped chan struct{}
}

func (s *hangingAdmin) Serve(net.Listener) error {
	s.may("admin")
	<-s.stopped
	return nil
}

func (s *hangingAdmin) GracefulStop() {
	s.may("admin")
	s.Stop()
}

func (s *hangingAdmin) Stop() {
	s.may("admin")
	s.stop.Do(func() { close(s.stopped) })
}

type hangingServer struct {
	*hanging
	stop    sync.Once
	stopped chan struct{}
}

func (s *hangingServer) Serve(net.Listener) error {
	s.may("Serve")
	<-s.stopped
	return nil
}

func (s *hangingServer) GracefulStop() {
	s.may("GracefulStop")
	for !s.calls.none() {
		select {
		case <-s.stopped:
			return
		case <-s.calls.changed():
		}
	}
	s.stop.Do(func() { close(s.stopped) })
}

func (s *hangingServer) Stop() {
	s.may("Stop")
	s.stop.Do(func() { close(s.stopped) })
}
