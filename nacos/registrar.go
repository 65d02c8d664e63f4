// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Registrar registers one instance and takes it out again. It owns a connection to the registry, which begins with
// the first Register: two Registrars may register two ports under one service name. It must be closed.
//
// All methods are safe for concurrent use; Register, Deregister and Update run one after the other.
type Registrar struct {
	inst     Instance
	t        timing
	log      *slog.Logger
	servers  []string
	space    string // the namespace
	connect  func() connection
	outbound func() (netip.Addr, error)
	reach    func(context.Context) error
	jitter   func(time.Duration) time.Duration // a registry's restart meets all instances at once

	turn    chan struct{}  // holds one value while somebody talks to the registry
	closing chan struct{}  // closed by the first Close
	closed  chan struct{}  // closed when nothing is left
	keeper  sync.WaitGroup // the self-watch, and connections that are being closed

	mu       sync.Mutex
	machine  machine
	link     *link                   // nil: no connection
	self     sdk.Instance            // what Register has published last
	listener string                  // whose address that is
	failing  error                   // of the Register under way
	probes   int                     // how often an absence was probed
	leftover bool                    // a connection that may have published was dropped, and nobody has looked since
	yield    context.CancelCauseFunc // ends what has the turn, if that may be ended by a Deregister
	abort    context.CancelCauseFunc // ends what has the turn
	changed  chan struct{}           // closed and replaced at each change of machine, link or view
	others   others                  // who else is listed
	watches  map[*told]struct{}      // those that have not returned
	logged   difference              // what was logged last about an edited instance
	keep     sync.Once               // starts the self-watch

	warnOnce, namespace sync.Once // what is said of the address and of the namespace
}

// connection is what the Registrar needs of a client of the SDK.
type connection interface {
	Register(ctx context.Context, service, group string, i sdk.Instance) error
	Deregister(ctx context.Context, service, group string, i sdk.Instance) error
	Subscribe(ctx context.Context, service, group string, f func([]sdk.Instance)) error
	List(ctx context.Context, service, group string) ([]sdk.Instance, error)
	ListEach(ctx context.Context, service, group string) []sdk.NodeList
	Held(ctx context.Context, service, group string, i sdk.Instance) (held, known bool)
	NamespaceMissing(ctx context.Context) bool
	Reached() bool
	Close(ctx context.Context) error
}

// New checks cfg and inst and returns a Registrar that has not touched the network yet. Errors name the field.
func New(cfg Config, inst Instance) (*Registrar, error) {
	settings, err := sdk.Prepare(cfg.connecting())
	if err != nil {
		return nil, err
	}
	inst, err = inst.checked()
	if err != nil {
		return nil, err
	}
	r := newRegistrar(inst, defaultTiming(), settings.Logger(), func() connection { return settings.NewClient() })
	r.servers, r.space = settings.Servers(), settings.Namespace()
	r.outbound = func() (netip.Addr, error) { return outboundIP(r.servers) }
	r.reach = settings.Reach
	r.jitter = func(d time.Duration) time.Duration { return d + rand.N(d) }
	return r, nil
}

func newRegistrar(inst Instance, t timing, log *slog.Logger, connect func() connection) *Registrar {
	r := &Registrar{
		inst:    inst,
		t:       t,
		connect: connect,
		turn:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
		machine: newMachine(t),
		reach:   func(context.Context) error { return nil },
		jitter:  func(d time.Duration) time.Duration { return d },
		changed: make(chan struct{}),
		watches: map[*told]struct{}{},
	}
	r.log = log.With("registrar", r.String())
	return r
}

// String returns "nacos GROUP@@SERVICE".
func (r *Registrar) String() string { return "nacos " + r.inst.Group + "@@" + r.inst.Service }

// Failure returns why the Register under way has not succeeded yet: the last attempt's error, with the ports that
// cannot be reached; nil when nothing is wrong. It returns at once.
func (r *Registrar) Failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// Settle returns DefaultSettle: how long after a confirmed absence consumers on other nodes may still learn of it.
func (r *Registrar) Settle() time.Duration { return DefaultSettle }

// Close ends the connection, which removes the instance if it is still registered: about half a second later it is
// gone from all lists. It ends calls under way with ErrClosed, returns after closeTimeout at the latest, with an error
// if something of the SDK still runs then, and is idempotent.
func (r *Registrar) Close() error {
	r.mu.Lock()
	if r.machine.state != stateClosed {
		r.step(eventClose)
		close(r.closing)
		if r.abort != nil {
			r.abort(ErrClosed)
		}
		if l := r.link; l != nil {
			r.link = nil
			r.keeper.Go(func() { r.drop(l) })
		}
		go r.finish() // waited for through closed
	}
	r.mu.Unlock()
	limit := time.NewTimer(r.t.close)
	defer limit.Stop()
	select {
	case <-r.closed:
		return nil
	case <-limit.C:
		return fmt.Errorf("nacos: close %s: not done after %v", r, r.t.close)
	}
}

// finish takes the turn for good, so that nothing begins any more, and waits for what has begun.
func (r *Registrar) finish() {
	defer close(r.closed)
	r.turn <- struct{}{}
	r.keeper.Wait()
}

// begin waits for the turn and returns a context for what has it, which also ends with Close. What yields is ended by
// a Deregister too. end gives the turn back.
func (r *Registrar) begin(ctx context.Context, yields bool) (_ context.Context, end func(), _ error) {
	select {
	case r.turn <- struct{}{}:
	case <-r.closing:
		return nil, nil, ErrClosed
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	if ctx.Err() != nil { // both were ready
		<-r.turn
		return nil, nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine.state == stateClosed {
		<-r.turn
		cancel(ErrClosed)
		return nil, nil, ErrClosed
	}
	r.abort = cancel
	if yields {
		r.yield = cancel
	}
	return ctx, func() {
		r.mu.Lock()
		r.abort, r.yield = nil, nil
		r.mu.Unlock()
		cancel(nil)
		<-r.turn
	}, nil
}
