// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// notes are what can be known of an instance from outside, written down as it happens.
type notes struct {
	mu        sync.Mutex
	accepting bool
	serving   bool // health says so
	drains    []span
	unserving []span      // health says NOT_SERVING, after it said SERVING
	tells     []time.Time // of streams
	hand      bool        // a drain by hand is asked for
	acts      int         // grows with each thing that is asked of it

	trigger, forcedAt time.Time // the first signal and the second
	closedAt          time.Time // the listener: the begin of GracefulStop
	held              bool      // the registry listed the instance then
	outcome           error     // what Deregister had returned by then
	exit              time.Time
	err               error            // of Run
	report            lifecycle.Report // with Plain what stands in for it

	watch   watched
	watches int // health Watches that were opened
	wrong   []string
}

// A span is a time that is over, or not: then end is zero.
type span struct{ begin, end time.Time }

// flip begins a span, or ends the last one; what is so already stays.
func flip(spans []span, on bool) []span {
	n := len(spans)
	open := n > 0 && spans[n-1].end.IsZero()
	switch {
	case on && !open:
		return append(spans, span{begin: time.Now()})
	case !on && open:
		spans[n-1].end = time.Now()
	}
	return spans
}

func (n *notes) complain(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wrong = append(n.wrong, fmt.Sprintf(format, args...))
}

// note writes something down.
func (n *notes) note(write func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	write()
}

// forced tells whether there was a second signal. It is called with the lock held.
func (n *notes) forced() bool { return !n.forcedAt.IsZero() }

// drainedAt tells whether t is inside of a drain, and not in the instant in which it began or ended.
func (n *notes) drainedAt(t time.Time) bool {
	for _, d := range n.drains {
		if t.After(d.begin) && (d.end.IsZero() || t.Before(d.end)) {
			return true
		}
	}
	return false
}

// notedCalls writes down when the instance drains, and when streams are told.
type notedCalls struct {
	*interceptor.Tracker
	instance *instance
}

func (c notedCalls) Drain() {
	c.Tracker.Drain()
	c.instance.note(func() { c.instance.drains = flip(c.instance.drains, true) })
}

func (c notedCalls) Resume() {
	c.Tracker.Resume()
	c.instance.note(func() { c.instance.drains = flip(c.instance.drains, false) })
}

func (c notedCalls) TellStreams() {
	c.instance.checkTell()
	c.Tracker.TellStreams()
}

// notedHealth writes down what health says.
type notedHealth struct {
	*health.Server
	instance *instance
}

func (h notedHealth) Shutdown() { h.Server.Shutdown(); h.says(false) }
func (h notedHealth) Resume()   { h.Server.Resume(); h.says(true) }

func (h notedHealth) says(serving bool) {
	h.instance.note(func() {
		h.instance.serving = serving
		h.instance.unserving = flip(h.instance.unserving, !serving)
	})
}
