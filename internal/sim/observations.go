// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// observations are what can be known of an instance from outside, written down as it happens.
type observations struct {
	mu        sync.Mutex
	accepting bool
	serving   bool // health says so, by Check
	drains    []span
	unserving []span      // health says NOT_SERVING by Check, after it said SERVING
	shut      []span      // the same by Watch
	unready   []time.Time // when readiness turned red
	tells     []time.Time // of streams
	hand      bool        // a drain by hand is asked for
	acts      int         // grows with each thing that is asked of it

	trigger, forcedAt time.Time // the first signal and the second
	closedAt          time.Time // the listener: the begin of GracefulStop
	held              bool      // the registry listed the instance then
	outcome           error     // what Deregister had returned by then
	exit              time.Time
	hooked            time.Time        // when the OnStop hook was called
	hookCut           bool             // its context ended before its work
	err               error            // of Run
	report            lifecycle.Report // with Plain what stands in for it

	watch   watched
	watches int // health Watches that were opened
	wrong   []string
}

// A span is a time that is over, or not: then end is zero.
type span struct{ begin, end time.Time }

// holds tells whether t is inside of the span, and not in the instant in which it began or ended.
func (s span) holds(t time.Time) bool {
	return t.After(s.begin) && (s.end.IsZero() || t.Before(s.end))
}

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

func (n *observations) complain(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wrong = append(n.wrong, fmt.Sprintf(format, args...))
}

// note writes something down.
func (n *observations) note(write func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	write()
}

// forced tells whether there was a second signal. It is called with the lock held.
func (n *observations) forced() bool { return !n.forcedAt.IsZero() }

// drainedAt tells whether t is inside of a drain, and not in the instant in which it began or ended.
func (n *observations) drainedAt(t time.Time) bool {
	return slices.ContainsFunc(n.drains, func(d span) bool { return d.holds(t) })
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

func (h notedHealth) Drain() {
	h.Server.Drain()
	h.says(false)
}

func (h notedHealth) Shutdown() {
	h.instance.checkShut()
	h.Server.Shutdown()
	h.says(false)
	h.instance.note(func() { h.instance.shut = flip(h.instance.shut, true) })
}

func (h notedHealth) Resume() {
	h.Server.Resume()
	h.says(true)
	h.instance.note(func() { h.instance.shut = flip(h.instance.shut, false) })
}

// says writes down what Check says.
func (h notedHealth) says(serving bool) {
	h.instance.note(func() {
		h.instance.serving = serving
		h.instance.unserving = flip(h.instance.unserving, !serving)
	})
}

func (h notedHealth) SetReady(ready bool) {
	h.Server.SetReady(ready)
	if ready {
		h.instance.checkReady()
		return
	}
	h.instance.note(func() { h.instance.unready = append(h.instance.unready, time.Now()) })
}
