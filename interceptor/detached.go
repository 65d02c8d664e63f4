// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"container/list"
	"context"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// roster lists the open RPCs of one kind whose handlers run on goroutines of their own, oldest first.
type roster struct {
	open  list.List // of *detached
	begun uint64
}

// detached is one of them. Whoever takes it off the roster, under the Tracker's mutex, closes decided:
// its handler's end or cut. The fields after decided are written before that and read after.
type detached struct {
	method  string
	began   time.Time
	rpc     context.Context // of the RPC: it is asked who sent it only when somebody wants to know
	peer    atomic.Pointer[string]
	told    <-chan struct{}
	tracker *Tracker
	roster  *roster
	place   *list.Element

	decided chan struct{}
	cut     bool
	outcome
}

// outcome is how a handler ended.
type outcome struct {
	resp     any
	err      error
	panicked *HandlerPanic
}

// result returns what the handler returned, on the goroutine that grpc gave the RPC, and panics there
// if the handler did.
func (o *outcome) result() (any, error) {
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.resp, o.err
}

// begin puts an RPC on the roster, or returns nil when it has to be refused. Refuse holds the same
// mutex, so what is on the roster is all that AbandonCalls or EndStreams can miss after it.
func (t *Tracker) begin(ctx context.Context, r *roster, method string) *detached {
	var who callerKey
	asked := t.word.load()&draining != 0 // before it is admitted: from then on it may be answered by others
	if asked {
		who = t.callerOf(ctx, method)
	}
	d, late := t.admit(ctx, r, method)
	if late && !asked {
		who = newCallerKey(ctx, identity(ctx), method)
	}
	if late {
		d.peer.Store(&who.peer)
		t.callers.note(who)
	}
	return d
}

func (t *Tracker) admit(ctx context.Context, r *roster, method string) (d *detached, late bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bits := t.word.load()
	if bits&refusing != 0 {
		return nil, false
	}
	late = bits&draining != 0
	if late {
		t.late++
	}
	return t.enter(ctx, r, method), late
}

// beginExempt puts a stream on the roster of those that are always admitted and never counted.
func (t *Tracker) beginExempt(ctx context.Context, method string) *detached {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.enter(ctx, &t.exempt, method)
}

// enter is called with the mutex held.
func (t *Tracker) enter(ctx context.Context, r *roster, method string) *detached {
	r.begun++
	d := &detached{
		method: method, began: time.Now(), rpc: ctx, told: t.channel(), tracker: t, roster: r,
		decided: make(chan struct{}),
	}
	d.place = r.open.PushBack(d)
	return d
}

// run starts handler and returns when it has ended or has been cut. Unless cut, its goroutine is gone
// or about to go; else Abandoned counts it until it is.
func (t *Tracker) run(d *detached, handler func() (any, error)) {
	go func() {
		o := outcome{err: status.Error(codes.Internal, "the handler ended its goroutine without an answer")}
		returned := false
		defer func() {
			if !returned {
				o.panicked = newHandlerPanic(recover(), debug.Stack())
			}
			t.finish(d, o)
		}()
		o.resp, o.err = handler()
		returned = true
	}()
	<-d.decided
}

// finish takes the handler's outcome, or drops it when the RPC has been answered already. A panic
// that comes too late is logged and goes no further: nobody is left to hand it to (a recovery
// interceptor around ours has returned), and the other RPCs of a server that is going down deserve
// their answers.
func (t *Tracker) finish(d *detached, o outcome) {
	if !t.dropped(d) {
		d.outcome = o
		close(d.decided)
		return
	}
	if o.panicked != nil {
		slog.Error("interceptor: panic in a handler after its RPC was answered",
			"method", d.method, "panic", o.panicked.Value, "stack", string(o.panicked.Stack))
	}
}

// dropped reports whether the RPC has been cut, and takes it off the books in either case.
func (t *Tracker) dropped(d *detached) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d.cut {
		t.abandoned--
	} else {
		d.roster.open.Remove(d.place)
	}
	return d.cut
}

// cut answers for at most n RPCs of the roster, n < 0 for all.
func (t *Tracker) cut(r *roster, n int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < 0 || n > r.open.Len() {
		n = r.open.Len()
	}
	for range n {
		d := r.open.Remove(r.open.Front()).(*detached)
		d.cut = true
		close(d.decided)
	}
	t.abandoned += n
	return n
}
