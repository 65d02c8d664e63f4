// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// FuzzTracker runs a sequence of operations, one a byte, on a Tracker and on a model of a few lines, and compares all
// that can be seen after each.
func FuzzTracker(f *testing.F) {
	f.Add([]byte{0, 0, 2, 4, 0, 2, 1, 3, 5, 0, 2, 6, 0, 2})
	f.Add([]byte{4, 0, 0, 2, 2, 7, 2, 8, 9, 1, 3})
	f.Add([]byte{5, 0, 2, 6, 0, 5, 9, 8, 1, 1, 3})
	f.Fuzz(func(t *testing.T, operations []byte) {
		m := newModel(t)
		for i, b := range operations[:min(len(operations), 64)] {
			m.do(b % 10)
			m.compare(i, b%10)
		}
		m.end()
	})
}

// waiting is an RPC whose handler waits to be let go.
type waiting struct {
	letGo      chan struct{}
	result     chan error
	detachable bool
}

type model struct {
	t        *testing.T
	tracker  Tracker
	unary    grpc.UnaryServerInterceptor
	stream   grpc.StreamServerInterceptor
	calls    []*waiting
	streams  []*waiting
	orphans  []*waiting // answered, and their handlers still wait
	admitted uint64
	late     uint64
	refused  uint64
	draining bool
	refusing bool
}

func newModel(t *testing.T) *model {
	m := &model{t: t}
	m.unary, m.stream = m.tracker.UnaryServerInterceptor(), m.tracker.StreamServerInterceptor()
	return m
}

func (m *model) do(operation byte) {
	switch operation {
	case 0, 2:
		m.begin(operation == 2)
	case 1:
		m.calls = m.finish(m.calls)
	case 3:
		m.streams = m.finish(m.streams)
	case 4:
		m.tracker.Drain()
		m.draining = true
	case 5:
		m.tracker.Refuse()
		m.refusing = true
	case 6:
		m.tracker.Resume()
		m.draining, m.refusing = false, false
	case 7:
		m.tracker.TellStreams()
	case 8:
		n := min(2, len(m.streams))
		if got := m.tracker.EndStreams(2); got != n {
			m.t.Fatalf("EndStreams(2) = %d, want %d", got, n)
		}
		m.answered(m.streams[:n])
		m.streams = slices.Clone(m.streams[n:])
	case 9:
		var cut, left []*waiting
		for _, o := range m.calls {
			if o.detachable {
				cut = append(cut, o)
			} else {
				left = append(left, o)
			}
		}
		if got := m.tracker.AnswerCalls(); got != len(cut) {
			m.t.Fatalf("AnswerCalls() = %d, want %d", got, len(cut))
		}
		m.answered(cut)
		m.calls = left
	}
}

func (m *model) begin(stream bool) {
	o := &waiting{letGo: make(chan struct{}), result: make(chan error, 1), detachable: m.draining}
	started := make(chan struct{})
	go func() {
		if stream {
			o.result <- m.stream(nil, &bareStream{}, &grpc.StreamServerInfo{FullMethod: "/shop.Orders/Watch"}, func(any, grpc.ServerStream) error {
				close(started)
				<-o.letGo
				return nil
			})
			return
		}
		_, err := m.unary(context.Background(), nil, &grpc.UnaryServerInfo{FullMethod: "/shop.Orders/Get"}, func(context.Context, any) (any, error) {
			close(started)
			<-o.letGo
			return nil, nil
		})
		o.result <- err
	}()
	if m.refusing {
		m.refused++
		if err := <-o.result; status.Code(err) != codes.Unavailable {
			m.t.Fatalf("refused RPC = %v, want UNAVAILABLE", err)
		}
		return
	}
	<-started
	m.admitted++
	if m.draining {
		m.late++
	}
	if stream {
		m.streams = append(m.streams, o)
	} else {
		m.calls = append(m.calls, o)
	}
}

func (m *model) finish(of []*waiting) []*waiting {
	if len(of) == 0 {
		return of
	}
	close(of[0].letGo)
	if err := <-of[0].result; err != nil {
		m.t.Fatalf("RPC = %v, want nil", err)
	}
	return of[1:]
}

func (m *model) answered(cut []*waiting) {
	for _, o := range cut {
		if err := <-o.result; status.Code(err) != codes.Unavailable {
			m.t.Fatalf("RPC that was answered = %v, want UNAVAILABLE", err)
		}
	}
	m.orphans = append(m.orphans, cut...)
}

func (m *model) compare(step int, operation byte) {
	unary, streams := m.tracker.InFlight()
	if unary != len(m.calls) || streams != len(m.streams) || m.tracker.Admitted() != m.admitted || m.tracker.Late() != m.late || m.tracker.Refused() != m.refused {
		m.t.Fatalf("after step %d (operation %d): %d calls, %d streams, %d admitted, %d late, %d refused, want %d, %d, %d, %d, %d", step, operation,
			unary, streams, m.tracker.Admitted(), m.tracker.Late(), m.tracker.Refused(), len(m.calls), len(m.streams), m.admitted, m.late, m.refused)
	}
}

func (m *model) end() {
	for _, o := range slices.Concat(m.calls, m.streams) {
		close(o.letGo)
		<-o.result
	}
	for _, o := range m.orphans {
		close(o.letGo)
	}
}

// bareStream is a stream that nobody sends on.
type bareStream struct{ grpc.ServerStream }

func (*bareStream) Context() context.Context    { return context.Background() }
func (*bareStream) SetTrailer(metadata.MD)      {}
func (*bareStream) SetHeader(metadata.MD) error { return nil }
