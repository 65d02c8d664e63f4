// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"runtime"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FuzzTracker runs a sequence of operations, one a byte, on a Tracker and on a model of a few lines, and compares all
// that can be seen after each.
func FuzzTracker(f *testing.F) {
	f.Add(false, []byte{0, 0, 2, 4, 0, 2, 1, 3, 5, 0, 2, 6, 0, 2})
	f.Add(true, []byte{4, 0, 0, 2, 2, 7, 2, 8, 9, 1, 3})
	f.Add(false, []byte{5, 0, 2, 6, 0, 5, 9, 8, 1, 1, 3})
	f.Add(true, []byte{2, 10, 12, 7, 2, 10, 12, 6, 2, 10, 8, 7, 14, 3, 11})
	f.Add(false, []byte{12, 4, 12, 5, 12, 9, 13, 13, 10, 8, 14, 6, 10, 11})
	f.Fuzz(func(t *testing.T, abandonable bool, operations []byte) {
		m := newModel(t, abandonable)
		for i, b := range operations[:min(len(operations), 64)] {
			op := int(b) % len(modelOperations)
			modelOperations[op](m)
			m.compare(i, op)
		}
		m.end()
	})
}

type model struct {
	t       *testing.T
	tracker Tracker
	begin   [kinds]func(*waiting)
	open    [kinds][]*waiting // oldest first
	orphans []*waiting        // answered, and their handlers still wait

	admitted, late, refused   uint64
	draining, refusing, tells bool
}

var modelOperations = []func(*model){
	func(m *model) { m.enter(unaryCall) },
	func(m *model) { m.finish(unaryCall) },
	func(m *model) { m.enter(stream) },
	func(m *model) { m.finish(stream) },
	func(m *model) {
		m.tracker.Drain()
		m.draining = true
	},
	func(m *model) {
		m.tracker.Refuse()
		m.refusing = true
	},
	func(m *model) {
		m.tracker.Resume()
		m.draining, m.refusing, m.tells = false, false, false
	},
	func(m *model) {
		m.tracker.TellStreams()
		m.tells = true
		for _, k := range []kind{stream, exemptStream} {
			for _, w := range m.open[k] {
				w.isTold = true
			}
		}
	},
	func(m *model) { m.endStreams(2) },
	func(m *model) {
		var cut, left []*waiting
		for _, w := range m.open[unaryCall] {
			if w.detachable {
				cut = append(cut, w)
			} else {
				left = append(left, w)
			}
		}
		if got := m.tracker.AbandonCalls(); got != len(cut) {
			m.t.Fatalf("AbandonCalls() = %d, want %d", got, len(cut))
		}
		m.answered(cut)
		m.open[unaryCall] = left
	},
	func(m *model) { m.enter(exemptStream) },
	func(m *model) { m.finish(exemptStream) },
	func(m *model) { m.enter(httpRequest) },
	func(m *model) { m.finish(httpRequest) },
	func(m *model) { m.endStreams(-1) },
}

// enter begins an RPC whose handler waits.
func (m *model) enter(k kind) {
	w := newWaiting(m.draining || m.tracker.Abandonable)
	go m.begin[k](w)
	if m.refusing && k != exemptStream {
		m.refused++
		if err := <-w.result; status.Code(err) != codes.Unavailable {
			m.t.Fatalf("refused RPC = %v, want UNAVAILABLE", err)
		}
		return
	}
	<-w.started
	w.isTold = m.tells
	m.open[k] = append(m.open[k], w)
	if k == exemptStream {
		return
	}
	m.admitted++
	if m.draining {
		m.late++
	}
}

// finish lets the oldest one of its kind return.
func (m *model) finish(k kind) {
	if len(m.open[k]) == 0 {
		return
	}
	oldest := m.open[k][0]
	close(oldest.letGo)
	if err := <-oldest.result; err != nil {
		m.t.Fatalf("RPC = %v, want nil", err)
	}
	m.open[k] = m.open[k][1:]
}

// endStreams ends n streams; n < 0: all, the exempt ones too.
func (m *model) endStreams(n int) {
	ended := len(m.open[stream])
	if n >= 0 {
		ended = min(ended, n)
	} else {
		defer func() {
			m.answered(m.open[exemptStream])
			m.open[exemptStream] = nil
		}()
	}
	if got := m.tracker.EndStreams(n); got != ended {
		m.t.Fatalf("EndStreams(%d) = %d, want %d", n, got, ended)
	}
	m.answered(m.open[stream][:ended])
	m.open[stream] = m.open[stream][ended:]
}

func (m *model) answered(cut []*waiting) {
	for _, w := range cut {
		if err := <-w.result; status.Code(err) != codes.Unavailable {
			m.t.Fatalf("RPC that was answered = %v, want UNAVAILABLE", err)
		}
	}
	m.orphans = append(m.orphans, cut...)
}

func (m *model) compare(step, operation int) {
	type figures struct {
		unary, streams          int
		admitted, late, refused uint64
		abandoned               int
		tells                   bool
	}
	want := figures{len(m.open[unaryCall]) + len(m.open[httpRequest]), len(m.open[stream]), m.admitted, m.late, m.refused, len(m.orphans), m.tells}
	got := figures{
		admitted: m.tracker.Admitted(), late: m.tracker.Late(), refused: m.tracker.Refused(),
		abandoned: m.tracker.Abandoned(), tells: isClosed(m.tracker.Draining()),
	}
	got.unary, got.streams = m.tracker.InFlight()
	if got != want {
		m.t.Fatalf("after step %d (operation %d): %+v, want %+v", step, operation, got, want)
	}
	for k, open := range m.open {
		for n, w := range open {
			if got := isClosed(w.told); got != w.isTold && k != int(unaryCall) && k != int(httpRequest) {
				m.t.Fatalf("after step %d (operation %d): stream %d of kind %d told: %t, want %t", step, operation, n, k, got, w.isTold)
			}
		}
	}
}

// end lets every handler return.
func (m *model) end() {
	for k := range m.open {
		for len(m.open[k]) > 0 {
			m.finish(kind(k))
		}
	}
	for _, w := range m.orphans {
		close(w.letGo)
	}
	for m.tracker.Abandoned() > 0 {
		runtime.Gosched()
	}
}
