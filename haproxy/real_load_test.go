// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

// Executions counts by id how often a unary call was begun by any server.
type executions struct {
	testpb.UnimplementedTestServiceServer
	mu   sync.Mutex
	runs map[uint64]int
}

func newExecutions() *executions { return &executions{runs: map[uint64]int{}} }

func (e *executions) UnaryCall(_ context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	id := binary.BigEndian.Uint64(req.GetPayload().GetBody())
	e.mu.Lock()
	e.runs[id]++
	e.mu.Unlock()
	time.Sleep(5*time.Millisecond + rand.N(15*time.Millisecond))
	return &testpb.SimpleResponse{}, nil
}

const messages = 20 // of a stream, over a second

func (e *executions) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, stream testpb.TestService_StreamingOutputCallServer) error {
	for range messages {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
		time.Sleep(time.Second / messages)
	}
	return nil
}

func (e *executions) twice() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, runs := range e.runs {
		if runs > 1 {
			n++
		}
	}
	return n
}

// A load calls through the balancer all the time, without a retry policy: each of its connections has one caller of
// unary calls for each handler that it keeps busy, and one stream.
type load struct {
	calls, failed, streams, cut atomic.Int64
	ids                         atomic.Uint64
	last                        atomic.Value // error
	stop                        context.CancelFunc
	running                     sync.WaitGroup
}

const (
	connections = 6
	callers     = 4 // on each
)

func startLoad(t *testing.T, target string) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{stop: cancel}
	for range connections {
		conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		client := testpb.NewTestServiceClient(conn)
		var here sync.WaitGroup
		for range callers {
			here.Go(func() { l.call(ctx, client) })
		}
		here.Go(func() { l.stream(ctx, client) })
		l.running.Go(func() {
			here.Wait()
			_ = conn.Close()
		})
	}
	t.Cleanup(l.end)
	until(t, "calls are answered", func() bool { return l.calls.Load() >= 50 && l.streams.Load() >= 2 })
	return l
}

func (l *load) end() {
	l.stop()
	l.running.Wait()
}

// lasts is when calls that are under way at the end may end.
const lasts = 15 * time.Second

func (l *load) call(ctx context.Context, client testpb.TestServiceClient) {
	for ctx.Err() == nil {
		id := binary.BigEndian.AppendUint64(nil, l.ids.Add(1))
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), lasts)
		if _, err := client.UnaryCall(limited, &testpb.SimpleRequest{Payload: &testpb.Payload{Body: id}}); err != nil {
			l.failed.Add(1)
			l.last.Store(err)
		}
		l.calls.Add(1)
		cancel()
	}
}

func (l *load) stream(ctx context.Context, client testpb.TestServiceClient) {
	for ctx.Err() == nil {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), lasts)
		if err := l.receive(limited, client); err != nil {
			l.cut.Add(1)
			l.last.Store(err)
		}
		l.streams.Add(1)
		cancel()
	}
}

func (l *load) receive(ctx context.Context, client testpb.TestServiceClient) error {
	stream, err := client.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{})
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		switch _, err := stream.Recv(); {
		case errors.Is(err, io.EOF) && n == messages:
			return nil
		case err != nil:
			return err
		}
	}
}

// wantNothingLost ends the load.
func (l *load) wantNothingLost(t *testing.T, e *executions, what string) {
	t.Helper()
	l.end()
	t.Logf("%s: %d calls, %d failed, %d run twice; %d streams, %d cut", what, l.calls.Load(), l.failed.Load(), e.twice(), l.streams.Load(), l.cut.Load())
	if l.failed.Load()+l.cut.Load() > 0 || e.twice() > 0 {
		t.Errorf("%s: %d of %d calls failed, %d were run twice, %d of %d streams were cut, want none; the last: %v",
			what, l.failed.Load(), l.calls.Load(), e.twice(), l.cut.Load(), l.streams.Load(), l.last.Load())
	}
}
