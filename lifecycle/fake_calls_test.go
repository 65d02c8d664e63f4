// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"sync"
	"time"
)

// fakeCalls stands in for the Tracker.
type fakeCalls struct {
	*recorder
	mu             sync.Mutex
	unary, streams int
	admitted       uint64
	late           uint64
	refused        uint64
	answerable     int
	change         chan struct{}
	ended          []time.Duration // when streams were ended
	deaf           bool            // streams do not end
}

func (c *fakeCalls) set(unary, streams int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unary, c.streams = unary, streams
	c.notify()
}

func (c *fakeCalls) notify() {
	if c.change != nil {
		close(c.change)
		c.change = nil
	}
}

func (c *fakeCalls) changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.change == nil {
		c.change = make(chan struct{})
	}
	return c.change
}

func (c *fakeCalls) none() bool {
	unary, streams := c.InFlight()
	return unary+streams == 0
}

// told returns how many times streams were told.
func (c *fakeCalls) told() (n int) {
	for _, e := range c.events() {
		if e == "calls.TellStreams" {
			n++
		}
	}
	return n
}

func (c *fakeCalls) admit(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.admitted += n
}

func (c *fakeCalls) refuse(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused += n
}

func (c *fakeCalls) InFlight() (unary, streams int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unary, c.streams
}

func (c *fakeCalls) Admitted() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.admitted
}

func (c *fakeCalls) Late() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.late
}

func (c *fakeCalls) Refused() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refused
}

func (c *fakeCalls) Drain()       { c.add("calls.Drain") }
func (c *fakeCalls) TellStreams() { c.add("calls.TellStreams") }
func (c *fakeCalls) Refuse()      { c.add("calls.Refuse") }
func (c *fakeCalls) Resume()      { c.add("calls.Resume") }

func (c *fakeCalls) EndStreams(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < 0 || n > c.streams {
		n = c.streams
	}
	if c.deaf {
		return n
	}
	for range n {
		c.ended = append(c.ended, time.Since(c.began))
	}
	c.streams -= n
	c.notify()
	return n
}

func (c *fakeCalls) AbandonCalls() int {
	c.add("calls.AbandonCalls")
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(c.answerable, c.unary)
	c.unary -= n
	c.notify()
	return n
}
