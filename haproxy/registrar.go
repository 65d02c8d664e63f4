// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Registrar puts one server of a HAProxy into service and takes it out again. It has one instance: a second one needs a
// Registrar of its own, and no two processes may have the same server at one time, or each undoes what the other does.
// It must be closed.
//
// All methods are safe for concurrent use; Register and Deregister run one after the other.
type Registrar struct {
	backend, server string
	balancers       []*balancer
	log             *slog.Logger

	turn    chan struct{}  // holds one value while somebody changes what the balancers do
	closing chan struct{}  // closed by the first Close
	keeper  sync.WaitGroup // the goroutine that looks every second
	keep    sync.Once      // starts it

	mu          sync.Mutex
	goal        goal
	place       place
	listener    string        // whose address that is; empty before Register
	holder      holder        // who has the turn
	withdrawing int           // Deregisters that have not returned
	failing     error         // of the Register under way
	news                      // what Watch tells
	changed     chan struct{} // closed and replaced at each change of news
}

// A goal is what the server was last brought to.
type goal string

const (
	goalNone       goal = ""           // nobody has asked, or a Register has not succeeded
	goalRegistered goal = "registered" // in service; what is otherwise was done by an operator
	goalWithdrawn  goal = "withdrawn"  // out of service, and kept there
)

// A balancer is one HAProxy process and what is known of it. The fields below are guarded by the Registrar's lock.
type balancer struct {
	runtimeAPI

	shown     server    // as it was seen last
	found     bool      // whether the balancer has it
	published bool      // it may get calls
	drained   bool      // by us, or we have tried
	served    bool      // we have said ready, and have not drained it since: a drain is an operator's
	doubted   bool      // a drain of ours has no answer: it may come yet
	answered  time.Time // the first answer since that drain
	others    others

	said string // what was logged last about it
}

func newRegistrar(cfg Config, balancers []*balancer) *Registrar {
	r := &Registrar{
		backend: cfg.Backend, server: cfg.Server, balancers: balancers, place: place{name: cfg.Server},
		turn: make(chan struct{}, 1), closing: make(chan struct{}), changed: make(chan struct{}),
	}
	r.log = cfg.Logger.With("registrar", r.String())
	return r
}

// String returns "haproxy BACKEND/SERVER", without the server where it is found by its address.
func (r *Registrar) String() string {
	if r.server == "" {
		return "haproxy " + r.backend
	}
	return "haproxy " + r.backend + "/" + r.server
}

// Settle returns zero: when HAProxy has accepted a drain, the last call came 0 ms later, at most 2.3 ms (20 runs).
func (r *Registrar) Settle() time.Duration { return 0 }

// Failure returns why the Register under way has not succeeded yet: at which balancer the server is not up, and what it
// is there; nil when nothing is wrong. It returns at once.
func (r *Registrar) Failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failing
}

// Close ends the look at the balancers and calls under way, those with ErrClosed. It leaves the server as it is: drained
// after Deregister, in service after Register. It is idempotent, blocks until a Register or Deregister under way has
// ended, and returns nil.
func (r *Registrar) Close() error {
	r.mu.Lock()
	select {
	case <-r.closing:
	default:
		close(r.closing)
		if r.holder.cancel != nil {
			r.holder.cancel(ErrClosed)
		}
	}
	r.mu.Unlock()
	r.keeper.Wait()
	r.turn <- struct{}{} // whoever had it has been told to end
	<-r.turn
	return nil
}

// untilClosed returns a context that also ends with Close, with ErrClosed.
func (r *Registrar) untilClosed(ctx context.Context) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-r.closing:
			cancel(ErrClosed)
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		waiting.Wait()
	}
}

func (r *Registrar) isClosed() bool {
	select {
	case <-r.closing:
		return true
	default:
		return false
	}
}

// A holder is who has the turn. The stronger ends the weaker.
type holder struct {
	strength strength
	cancel   context.CancelCauseFunc
}

type strength int

const (
	ofRound strength = iota + 1 // of the keeper
	ofRegister
	ofDeregister
)

// begin waits for the turn and returns a context for who has it, which also ends with Close and for somebody stronger.
// end gives the turn back.
func (r *Registrar) begin(ctx context.Context, s strength) (_ context.Context, end func(), _ error) {
	r.mu.Lock()
	if h := r.holder; h.cancel != nil && h.strength < s {
		h.cancel(reasonOf(s))
	}
	r.mu.Unlock()
	select {
	case <-r.closing:
		return nil, nil, ErrClosed
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case r.turn <- struct{}{}:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holder = holder{s, cancel}
	switch {
	case r.isClosed():
		cancel(ErrClosed)
	case r.withdrawing > 0 && s < ofDeregister:
		cancel(errWithdrawing)
	}
	return ctx, func() {
		r.mu.Lock()
		r.holder = holder{}
		r.mu.Unlock()
		cancel(nil)
		<-r.turn
	}, nil
}

func reasonOf(s strength) error {
	if s == ofDeregister {
		return errWithdrawing
	}
	return errNewTurn
}

// each does the same at all balancers at once, and joins what went wrong, with the balancer's name.
func (r *Registrar) each(f func(*balancer) error) error {
	errs := make([]error, len(r.balancers))
	var all sync.WaitGroup
	for i, b := range r.balancers {
		all.Go(func() {
			if err := f(b); err != nil {
				errs[i] = fmt.Errorf("%s: %w", b.name, err)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// occupy makes the Registrar one for this listener.
func (r *Registrar) occupy(listener net.Addr, p place) error {
	text := p.String()
	if listener != nil {
		text = listener.String()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.listener != "" && r.listener != text {
		return fmt.Errorf("%w: %s, and not %s", ErrInUse, r.listener, text)
	}
	r.listener, r.place = text, p
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
