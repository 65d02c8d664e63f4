// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net"
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
	Hasty             // the same, but health Watches hear of it at the trigger, and no successor is waited for
	Strict
	Plain // deregister, then GracefulStop at once, without lifecycle; Stop after plainPatience
)

const plainPatience = 5 * time.Second

var strategyNames = [...]string{"lossless", "hasty", "strict", "plain"}

func (s Strategy) String() string { return strategyNames[s] }

// An instance is one server process in small.
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
	ready     chan struct{} // with Plain: closed when it is registered
	observations
}

func (w *world) newInstance(addr string) (*instance, error) {
	s := &w.schedule
	w.instances++
	i := &instance{
		id: w.instances, strategy: w.strategy, schedule: s, tracker: &interceptor.Tracker{Abandonable: s.Abandonable},
		done: make(chan struct{}), ready: make(chan struct{}),
	}
	if addr == "" {
		addr = fmt.Sprintf("10.0.0.%d:50051", i.id)
	}
	i.at = endpoint{name: addr, instance: i.id}
	i.registrar = newRegistrar(w.registry, i, s.Settle)
	lis, err := w.network.listen(i.at, i.closed)
	if err != nil {
		return nil, err
	}
	i.accepting = true
	ctx, stop := context.WithCancel(context.Background())
	i.stop = stop
	var h *health.Server
	if w.strategy == Plain {
		i.server = grpc.NewServer()
		h = health.Register(i.server)
		h.Resume()
		i.serving = true
	} else {
		i.server = grpc.NewServer(append(i.tracker.ServerOptions(), grpc.ChainStreamInterceptor(i.countWatches))...)
		h = health.Register(i.server)
	}
	testpb.RegisterTestServiceServer(i.server, &service{history: w.history, instance: i.id})
	if w.strategy == Plain {
		go i.runPlain(ctx, lis)
		return i, nil
	}
	i.manager = lifecycle.New(i.server, i.options(w.log.With("instance", i.id), h)...)
	go func() {
		defer close(i.done)
		err := i.manager.Run(ctx, lis)
		i.note(func() { i.exit, i.err, i.report = time.Now(), err, i.manager.Report() })
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
	options := []lifecycle.Option{
		lifecycle.WithRegistryOffline(offline), lifecycle.WithStreamNotice(notice),
		lifecycle.WithPolicy(policy), lifecycle.WithCalls(notedCalls{i.tracker, i}), lifecycle.WithHealth(notedHealth{h, i}),
		lifecycle.WithBudget(i.schedule.Budget), lifecycle.WithSettle(i.schedule.Settle), lifecycle.WithQuiet(i.schedule.Quiet),
		lifecycle.WithStreamGrace(i.schedule.StreamGrace), lifecycle.WithLogger(log), lifecycle.WithMeterProvider(noop.NewMeterProvider()),
	}
	if i.schedule.Hook > 0 {
		options = append(options, lifecycle.WithOnStop(i.hook))
	}
	switch {
	case i.strategy == Hasty && !i.schedule.Virtual:
		options = append(options, lifecycle.WithRegistrar(alone{i.registrar}))
	case !i.schedule.Virtual:
		options = append(options, lifecycle.WithRegistrar(i.registrar))
	}
	if i.strategy == Hasty {
		return append(options, lifecycle.WithHealthNotice(lifecycle.AtTrigger))
	}
	return append(options, lifecycle.WithSuccessor(i.schedule.Successor))
}

// hook has work to do once nothing is served any more.
func (i *instance) hook(ctx context.Context) error {
	i.note(func() { i.hooked = time.Now() })
	select {
	case <-ctx.Done():
		i.note(func() { i.hookCut = true })
	case <-time.After(i.schedule.Hook):
	}
	return nil
}

// alone is a registrar that does not know of the others.
type alone struct{ r *registrar }

func (a alone) Register(ctx context.Context, addr net.Addr) error { return a.r.Register(ctx, addr) }
func (a alone) Deregister(ctx context.Context) error              { return a.r.Deregister(ctx) }
func (a alone) Watch(ctx context.Context, changed func(online bool)) error {
	return a.r.Watch(ctx, changed)
}
func (a alone) Close() error { return a.r.Close() }

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
	close(i.ready)
	<-ctx.Done()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(5*time.Second, i.schedule.Budget/5))
	defer cancel()
	unconfirmed := i.registrar.Deregister(limited) != nil
	stop := time.AfterFunc(plainPatience, i.server.Stop)
	i.server.GracefulStop()
	forced := !stop.Stop()
	<-served
	_ = i.registrar.Close()
	i.note(func() { i.exit, i.report = time.Now(), lifecycle.Report{Unconfirmed: unconfirmed, Forced: forced} })
}

// terminate is SIGTERM, and a second one after force unless that is zero. It returns when the process would have ended.
func (i *instance) terminate(force time.Duration) {
	i.note(func() {
		i.acts++
		if i.trigger.IsZero() {
			i.trigger = time.Now()
		}
	})
	i.stop()
	if force > 0 && i.manager != nil {
		select {
		case <-time.After(force):
			i.note(func() { i.forcedAt = time.Now() })
			i.manager.Force()
		case <-i.done:
		}
	}
	<-i.done
}

// leaving tells whether the instance is on its way to the exit.
func (i *instance) leaving() bool {
	return i.manager == nil || !i.manager.Status().Deadline.IsZero()
}

// awaitReady waits until the instance is listed, or has another reason not to be.
func (i *instance) awaitReady(limit time.Duration) {
	for began := time.Now(); time.Since(began) < limit; time.Sleep(10 * time.Millisecond) {
		if i.manager == nil {
			select {
			case <-i.ready:
				return
			default:
				continue
			}
		}
		if s := i.manager.Status(); s.Ready || s.State >= lifecycle.Draining {
			return
		}
	}
	if i.registrar.registry.healthySince(limit) {
		i.complain("not ready after %v", limit)
	}
}

// closed is called when the listener is.
func (i *instance) closed() {
	held, outcome := i.registrar.registry.lists(i.at.name), i.registrar.what().outcome
	i.note(func() { i.accepting, i.closedAt, i.held, i.outcome = false, time.Now(), held, outcome })
}
