// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// dice may be thrown by several goroutines.
type dice struct {
	mu   sync.Mutex
	rand *rand.Rand
}

func newDice(seed uint64) *dice { return &dice{rand: rand.New(rand.NewPCG(seed, 7))} }

// below returns a number from 0 to n-1.
func (d *dice) below(n int64) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rand.Int64N(n)
}

func (d *dice) one(of int64) bool { return d.below(of) == 0 }

// A modelRegistrar keeps the contract of Registrar, at random times, and knows what others can see.
type modelRegistrar struct {
	name  string
	dice  *dice
	slow  time.Duration // the most that either half of a call takes
	deaf  bool          // does not heed contexts
	fails bool          // one of three Deregisters does

	mu           sync.Mutex
	listed, held bool
	watched      bool
	tell         []bool // what Watch has still to say
	wake         chan struct{}
	seen         time.Time // when others could see the instance for the last time
}

const modelSettle = 3 * time.Second

func (r *modelRegistrar) Settle() time.Duration { return modelSettle }
func (r *modelRegistrar) String() string        { return r.name }

func (r *modelRegistrar) Register(ctx context.Context, _ net.Addr) error {
	return r.call(ctx, func() error {
		r.listed = true
		r.say(!r.held)
		return nil
	})
}

func (r *modelRegistrar) Deregister(ctx context.Context) error {
	return r.call(ctx, func() error {
		if r.fails && r.dice.one(3) {
			return errBroken
		}
		r.look()
		r.listed = false
		return nil
	})
}

// call takes its time before and after act, which has the lock, and returns when Watch has told what was before.
func (r *modelRegistrar) call(ctx context.Context, act func() error) error {
	if err := r.pause(ctx, r.dice.below(int64(r.slow)+1)); err != nil {
		return err
	}
	r.mu.Lock()
	err := act()
	r.mu.Unlock()
	if err != nil {
		return err
	}
	for !r.hasTold() {
		if err := r.pause(ctx, int64(time.Millisecond)); err != nil {
			return err
		}
	}
	return r.pause(ctx, r.dice.below(int64(r.slow)+1))
}

func (r *modelRegistrar) pause(ctx context.Context, d int64) error {
	if r.deaf {
		time.Sleep(time.Duration(d))
		return nil
	}
	if !pause(ctx, time.Now().Add(time.Duration(d))) {
		return context.Cause(ctx)
	}
	return nil
}

// operate is what an operator does.
func (r *modelRegistrar) operate(offline bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held == offline {
		return
	}
	r.look()
	r.held = offline
	if r.listed {
		r.say(!offline)
	}
}

// look, say and visible are called with the lock held.
func (r *modelRegistrar) look() {
	if r.visible() {
		r.seen = time.Now()
	}
}

func (r *modelRegistrar) visible() bool { return r.listed && !r.held }

func (r *modelRegistrar) say(online bool) {
	if !r.watched {
		return
	}
	r.tell = append(r.tell, online)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *modelRegistrar) hasTold() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tell) == 0
}

func (r *modelRegistrar) Watch(ctx context.Context, changed func(bool)) error {
	r.mu.Lock()
	r.watched = true
	if r.listed {
		r.say(!r.held)
	}
	r.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.wake:
		}
		for online, more := r.next(false); more; online, more = r.next(true) {
			changed(online)
		}
	}
}

// next returns what is to be told; with told the one before is off the list.
func (r *modelRegistrar) next(told bool) (online, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if told {
		r.tell = r.tell[1:]
	}
	if len(r.tell) == 0 {
		return false, false
	}
	return r.tell[0], true
}
