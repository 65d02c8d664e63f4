// SPDX-License-Identifier: Apache-2.0

// Package serial calls functions in order, on a goroutine of their own.
package serial

import (
	"slices"
	"sync"
)

// A Queue calls functions in order, on a goroutine that lives while there is something to call. So what belongs to the
// program, a callback or the handler of its logger, may block or call back. The zero value is ready; all methods are
// safe for concurrent use.
type Queue struct {
	mu      sync.Mutex
	waiting []func()
	calling chan struct{} // closed when everything was called; nil when there never was anything
}

// Add has f called after all that was added before, and returns at once.
func (q *Queue) Add(f func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, f)
	if len(q.waiting) > 1 {
		return
	}
	q.calling = make(chan struct{})
	go q.run(q.calling)
}

func (q *Queue) run(done chan<- struct{}) {
	defer close(done)
	for call := q.next(false); call != nil; call = q.next(true) {
		call()
	}
}

// next returns the first function that waits, or nil; with over it takes off the one before.
func (q *Queue) next(over bool) func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if over {
		q.waiting = slices.Delete(q.waiting, 0, 1)
	}
	if len(q.waiting) == 0 {
		return nil
	}
	return q.waiting[0]
}

// Done returns a channel that is closed when everything so far was called.
func (q *Queue) Done() <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.calling == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return q.calling
}
