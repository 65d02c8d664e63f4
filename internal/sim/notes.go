// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"time"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
)

// A span is a time in which the instance drained; end is zero while it does.
type span struct{ begin, end time.Time }

// notedCalls writes down when the instance drains.
type notedCalls struct {
	*interceptor.Tracker
	instance *instance
}

func (c notedCalls) Drain() {
	c.Tracker.Drain()
	i := c.instance
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.drains); n == 0 || !i.drains[n-1].end.IsZero() {
		i.drains = append(i.drains, span{begin: time.Now()})
	}
}

func (c notedCalls) Resume() {
	c.Tracker.Resume()
	i := c.instance
	i.mu.Lock()
	defer i.mu.Unlock()
	if n := len(i.drains); n > 0 && i.drains[n-1].end.IsZero() {
		i.drains[n-1].end = time.Now()
	}
}

// notedHealth writes down what health says.
type notedHealth struct {
	*health.Server
	instance *instance
}

func (h notedHealth) Shutdown() { h.Server.Shutdown(); h.note(false) }
func (h notedHealth) Resume()   { h.Server.Resume(); h.note(true) }

func (h notedHealth) note(serving bool) {
	h.instance.mu.Lock()
	defer h.instance.mu.Unlock()
	h.instance.serving = serving
}
