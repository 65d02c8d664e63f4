// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"slices"
	"sync"
)

// A feed calls functions in order, on a goroutine that lives while there is something to call. So what belongs to the
// program, a function of WithOnState or the handler of its logger, may block or call the Manager.
type feed struct {
	mu      sync.Mutex
	waiting []func()
	calling chan struct{} // closed when everything was called; nil when there never was anything
}

func (f *feed) add(call func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waiting = append(f.waiting, call)
	if len(f.waiting) > 1 {
		return
	}
	f.calling = make(chan struct{})
	go f.run(f.calling)
}

func (f *feed) run(done chan<- struct{}) {
	defer close(done)
	for call := f.next(false); call != nil; call = f.next(true) {
		call()
	}
}

// next returns the first function that waits, or nil; with over it takes off the one before.
func (f *feed) next(over bool) func() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if over {
		f.waiting = slices.Delete(f.waiting, 0, 1)
	}
	if len(f.waiting) == 0 {
		return nil
	}
	return f.waiting[0]
}

// done returns a channel that is closed when everything so far was called.
func (f *feed) done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calling == nil {
		none := make(chan struct{})
		close(none)
		return none
	}
	return f.calling
}
