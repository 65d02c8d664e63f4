// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// Strategy is how instances go offline.
type Strategy int

const (
	Lossless Strategy = iota
	Strict
	Plain // deregister, then GracefulStop at once, without lifecycle; Stop after plainPatience
)

const plainPatience = 5 * time.Second

var strategyNames = [...]string{"lossless", "strict", "plain"}

func (s Strategy) String() string { return strategyNames[s] }

// An instance is one server process in small, and the notes of what can be known of it from outside.
type instance struct {
	id        int
	at        endpoint
	strategy  Strategy
	schedule  *Schedule
	server    *grpc.Server
	tracker   *interceptor.Tracker
	manager   *lifecycle.Manager // nil with Plain
	registrar *registrar
	stop      context.CancelFunc
	done      chan struct{} // closed when the process would exit

	mu        sync.Mutex
	accepting bool
	serving   bool // health says so
	ready     bool // with Plain
	drains    []span
	trigger   time.Time
	exit      time.Time
	forced    bool // by a second signal
	err       error
	report    lifecycle.Report // with Plain what stands in for it
	held      bool             // the listener was closed while the registry listed it
	withdrawn error            // what Deregister had returned when the listener was closed
	wrong     []string
}

func (w *world) newInstance(addr string) (*instance, error) {
	s := &w.schedule
	w.instances++
	i := &instance{
		id: w.instances, strategy: w.strategy, schedule: s,
		tracker: &interceptor.Tracker{Abandonable: s.Abandonable}, done: make(chan struct{}),
	}
	if addr == "" {
		addr = fmt.Sprintf("10.0.0.%d:50051", i.id)
	}
	i.at = endpoint{name: addr, instance: i.id}
	i.registrar = newRegistrar(w.registry, s.Settle, i.checkRegister, i.checkListed)
	lis, err := w.network.listen(i.at, func() { i.closed(w.registry.lists(addr)) })
	if err != nil {
		return nil, err
	}
	i.accepting = true
	ctx, stop := context.WithCancel(context.Background())
	i.stop = stop
	if w.strategy == Plain {
		i.server = grpc.NewServer()
		testpb.RegisterTestServiceServer(i.server, &service{book: w.book, instance: i.id})
		health.Register(i.server).Resume()
		i.serving = true
		go i.runPlain(ctx, lis)
		return i, nil
	}
	i.server = grpc.NewServer(i.tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(i.server, &service{book: w.book, instance: i.id})
	i.manager = lifecycle.New(i.server, i.options(w.log.With("instance", i.id), health.Register(i.server))...)
	go func() {
		defer close(i.done)
		i.ended(i.manager.Run(ctx, lis))
	}()
	return i, nil
}

func (i *instance) options(log *slog.Logger, h *health.Server) []lifecycle.Option {
	policy := lifecycle.Lossless
	if i.strategy == Strict {
		policy = lifecycle.Strict
	}
	offline, notice := lifecycle.Park, lifecycle.AtGoAway
	if i.schedule.Exit {
		offline = lifecycle.Exit
	}
	if i.schedule.EarlyNotice {
		notice = lifecycle.AtWithdrawn
	}
	return []lifecycle.Option{
		lifecycle.WithRegistryOffline(offline), lifecycle.WithStreamNotice(notice),
		lifecycle.WithPolicy(policy), lifecycle.WithCalls(notedCalls{i.tracker, i}), lifecycle.WithHealth(notedHealth{h, i}),
		lifecycle.WithRegistrar(i.registrar), lifecycle.WithBudget(i.schedule.Budget), lifecycle.WithQuiet(i.schedule.Quiet),
		lifecycle.WithStreamGrace(i.schedule.StreamGrace), lifecycle.WithLogger(log), lifecycle.WithMeterProvider(noop.NewMeterProvider()),
	}
}

// ended is called when Run has returned.
func (i *instance) ended(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.exit, i.err, i.report = time.Now(), err, i.manager.Report()
	if i.trigger.IsZero() || i.trigger.After(i.report.Began) {
		i.trigger = i.report.Began // an operator was first
	}
}

// runPlain is what many services do.
func (i *instance) runPlain(ctx context.Context, lis *listener) {
	defer close(i.done)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = i.server.Serve(lis) // nil: it was stopped
	}()
	for ctx.Err() == nil && i.registrar.Register(ctx, i.at) != nil {
		sleep(ctx, time.Second)
	}
	i.mu.Lock()
	i.ready = true
	i.mu.Unlock()
	<-ctx.Done()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(5*time.Second, i.schedule.Budget/5))
	defer cancel()
	unconfirmed := i.registrar.Deregister(limited) != nil
	stop := time.AfterFunc(plainPatience, i.server.Stop)
	i.server.GracefulStop()
	forced := !stop.Stop()
	<-served
	_ = i.registrar.Close()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.exit = time.Now()
	i.report = lifecycle.Report{Unconfirmed: unconfirmed, Forced: forced}
}

// terminate is SIGTERM, and a second one after force unless that is zero. It returns when the process would have ended.
func (i *instance) terminate(force time.Duration) {
	i.mu.Lock()
	if i.trigger.IsZero() {
		i.trigger = time.Now()
	}
	i.mu.Unlock()
	i.stop()
	if force > 0 && i.manager != nil {
		select {
		case <-time.After(force):
			i.mu.Lock()
			i.forced = true
			i.mu.Unlock()
			i.manager.Force()
		case <-i.done:
		}
	}
	<-i.done
}

func (i *instance) awaitReady(limit time.Duration) {
	for began := time.Now(); time.Since(began) < limit; time.Sleep(10 * time.Millisecond) {
		i.mu.Lock()
		ready := i.ready
		i.mu.Unlock()
		if ready || i.manager != nil && i.manager.Status().Ready {
			return
		}
	}
}

// checkRegister is called at each Register.
func (i *instance) checkRegister() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.accepting || !i.serving {
		i.wrong = append(i.wrong, fmt.Sprintf("Register was called with accepting = %v, health serving = %v", i.accepting, i.serving))
	}
}

// checkListed is called when the instance gets onto the list. It may drain by then.
func (i *instance) checkListed() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.accepting {
		i.wrong = append(i.wrong, "it was listed after its listener was closed")
	}
}

func (i *instance) closed(listed bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.accepting, i.held, i.withdrawn = false, listed, i.registrar.outcome()
}

func (i *instance) complain(format string, args ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.wrong = append(i.wrong, fmt.Sprintf(format, args...))
}

var errHung = errors.New("sim: has not returned")

// act calls Drain or Resume; each has to return by itself, at the latest when the instance has stopped.
func (i *instance) act(kind ActKind) {
	if i.manager == nil {
		return
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), 5*time.Minute, errHung)
	defer cancel()
	name, call := "Drain", i.manager.Drain
	if kind == Resume {
		name, call = "Resume", i.manager.Resume
	}
	if err := call(ctx); errors.Is(err, errHung) {
		i.complain("%s = %v after 5 minutes", name, err)
	}
}
