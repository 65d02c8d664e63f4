// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// Watch tells in order. Deregister waits until all is told.
func (r *modelRegistrar) Watch(ctx context.Context, changed func(bool)) error {
	held := r.registry.holds()
	r.locked(func() {
		r.watching = true
		r.tell = nil
		r.say(!held)
	})
	defer r.locked(func() { r.watching, r.tell = false, nil })
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.closed:
			return errClosed
		case <-r.wake:
		}
		for online, more := r.next(false); more && ctx.Err() == nil; online, more = r.next(true) {
			changed(online)
		}
	}
}

// say is called with the lock held.
func (r *modelRegistrar) say(online bool) {
	if !r.watching {
		return
	}
	if r.flaws.tellsLatestFirst && len(r.tell) > 1 {
		r.tell = append([]bool{r.tell[0], online}, r.tell[1:]...)
	} else {
		r.tell = append(r.tell, online)
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// next returns what is to be told; with told the one before is off the list.
func (r *modelRegistrar) next(told bool) (online, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if told && len(r.tell) > 0 {
		r.tell = r.tell[1:]
	}
	if len(r.tell) == 0 {
		return false, false
	}
	return r.tell[0], true
}

func (r *modelRegistrar) hasTold() (told bool) {
	r.locked(func() { told = len(r.tell) == 0 })
	return told || r.flaws.tellsLate
}

// operated is called when an operator has done something.
func (r *modelRegistrar) operated(online bool) {
	r.locked(func() {
		if r.goal == listed || r.flaws.tellsAlways {
			r.say(online)
		}
	})
}

// disconnected is called when the connection has broken.
func (r *modelRegistrar) disconnected() {
	r.locked(func() {
		if r.flaws.losesAges {
			r.others = map[string]lifecycle.Other{}
		}
		if r.flaws.tellsOutages && r.goal == listed {
			r.say(false)
		}
	})
}
