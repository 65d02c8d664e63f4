// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"slices"
	"sync"
)

// A stateFeed tells the OnState functions of each state in order, on a goroutine that lives while there is something
// to tell.
type stateFeed struct {
	mu      sync.Mutex
	waiting []State
	telling chan struct{} // closed when everything was told; nil when nothing was ever to be told
}

func (f *stateFeed) tell(to []func(State), s State) {
	if len(to) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, s)
	if len(f.waiting) > 1 {
		return
	}
	f.telling = make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		for {
			f.mu.Lock()
			s := f.waiting[0]
			f.mu.Unlock()
			for _, tell := range to {
				tell(s)
			}
			f.mu.Lock()
			f.waiting = slices.Delete(f.waiting, 0, 1)
			more := len(f.waiting) > 0
			f.mu.Unlock()
			if !more {
				return
			}
		}
	}(f.telling)
}

// told returns a channel that is closed when everything so far was told.
func (f *stateFeed) told() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.telling == nil {
		done := make(chan struct{})
		close(done)
		return done
	}
	return f.telling
}
