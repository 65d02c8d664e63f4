// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/lifecycle"
)

const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings    = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	settingsAck = "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	framePing   = 6
	testBudget  = 8 * time.Second
)

// quick is an offline that has nothing to wait for but what is in its way.
func quick(opts ...lifecycle.Option) []lifecycle.Option {
	return append([]lifecycle.Option{
		lifecycle.WithBudget(testBudget), lifecycle.WithSettle(0), lifecycle.WithQuiet(0), lifecycle.WithStreamGrace(200 * time.Millisecond),
	}, opts...)
}

// TestAdversity has a row for each way in which a peer or a handler can hold a stop up. Run returns within the budget
// and one second in all of them; atMost is what this library makes of it.
func TestAdversity(t *testing.T) {
	tests := []struct {
		name   string
		server []grpc.ServerOption
		opts   []lifecycle.Option
		attack func(t *testing.T, i *instance)
		forced bool
		fails  bool // with another error
		atMost time.Duration
		check  func(t *testing.T, r lifecycle.Report)
	}{
		{name: "client that sends no preface", attack: raw(""), atMost: 3 * time.Second},
		{name: "client that sends half a preface", attack: raw(preface[:10]), atMost: 3 * time.Second},
		{name: "TLS client that stalls in its handshake", server: []grpc.ServerOption{grpc.Creds(selfSigned(t))}, attack: raw("\x16\x03\x01\x02\x00\x01"), atMost: 3 * time.Second},
		{name: "peer that acks no ping", attack: raw(preface + settings), atMost: 7 * time.Second},
		{name: "peer that ignores GOAWAY", attack: ignoreGoAway, atMost: 4 * time.Second},
		{name: "handler that ignores its context", attack: stuckUnary, forced: true, atMost: testBudget + time.Second,
			check: func(t *testing.T, r lifecycle.Report) {
				if r.CallsCut != 1 {
					t.Errorf("Report.CallsCut = %d, want 1", r.CallsCut)
				}
			}},
		{name: "late handler that ignores its context", attack: lateStuckUnary, forced: true, atMost: testBudget + time.Second,
			check: func(t *testing.T, r lifecycle.Report) {
				if r.CallsAnswered != 1 || r.CallsCut != 0 {
					t.Errorf("Report: %d calls answered and %d cut, want 1 and 0", r.CallsAnswered, r.CallsCut)
				}
			}},
		{name: "handler blocked in Recv", attack: stuckRecv, atMost: 4 * time.Second, check: oneStreamEnded},
		{name: "handler blocked in Send with a full window", attack: stuckSend, forced: true, atMost: testBudget + time.Second, check: oneStreamEnded},
		{name: "health Watch of a plain client", attack: watch, atMost: 2 * time.Second},
		{name: "upload that has sent its headers only", attack: slowUpload, forced: true, atMost: testBudget + time.Second},
		{name: "slow reader of a large reply", attack: slowReader, forced: true, atMost: testBudget + time.Second},
		{name: "OnStop hook that hangs", opts: []lifecycle.Option{lifecycle.WithOnStop(hang)}, fails: true, atMost: 4 * time.Second,
			check: abandoned("OnStop hook 1")},
		{name: "registrar whose Deregister hangs", opts: []lifecycle.Option{lifecycle.WithRegistrar(&stuckRegistrar{deregister: hang})},
			fails: true, atMost: testBudget/2 + time.Second, check: abandoned("Deregister of registrar 1")},
		{name: "registrar whose Close hangs", opts: []lifecycle.Option{lifecycle.WithRegistrar(&stuckRegistrar{close: hang})},
			fails: true, atMost: 3 * time.Second, check: abandoned("Close of registrar 1")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := startServer(t, nil, test.server, quick(test.opts...)...)
			if test.attack != nil {
				test.attack(t, i)
			}
			told := time.Now()
			i.stop()
			err := i.finish(t)
			took := time.Since(told)
			if test.forced != errors.Is(err, lifecycle.ErrForcedStop) || (test.forced || test.fails) != (err != nil) {
				t.Errorf("Run() = %v, want forced: %t, failed: %t", err, test.forced, test.forced || test.fails)
			}
			if took > test.atMost {
				t.Errorf("Run returned %v after the trigger, want at most %v", took, test.atMost)
			}
			if test.check != nil {
				test.check(t, i.Report())
			}
		})
	}
}

// hang ignores its context, and ends with the test binary.
func hang(context.Context) error { select {} }

// A stuckRegistrar lists at once.
type stuckRegistrar struct {
	deregister, close func(context.Context) error
}

func (r *stuckRegistrar) Register(context.Context, net.Addr) error { return nil }

func (r *stuckRegistrar) Deregister(ctx context.Context) error {
	if r.deregister != nil {
		return r.deregister(ctx)
	}
	return nil
}

func (r *stuckRegistrar) Close() error {
	if r.close != nil {
		return r.close(context.Background())
	}
	return nil
}

func abandoned(what string) func(*testing.T, lifecycle.Report) {
	return func(t *testing.T, r lifecycle.Report) {
		t.Helper()
		if !slices.Contains(r.Abandoned, what) {
			t.Errorf("Report.Abandoned = %q, want %q", r.Abandoned, what)
		}
	}
}

func oneStreamEnded(t *testing.T, r lifecycle.Report) {
	t.Helper()
	if r.StreamsEnded != 1 || r.StreamsCut != 0 {
		t.Errorf("Report: %d streams ended and %d cut, want 1 and 0", r.StreamsEnded, r.StreamsCut)
	}
}

// raw opens a connection, sends what is given, and falls silent.
func raw(first string) func(*testing.T, *instance) {
	return func(t *testing.T, i *instance) {
		conn := i.dialRaw(t)
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		if first == preface+settings {
			// Wait until the server has taken the connection: it answers with its own SETTINGS.
			if _, err := io.ReadFull(conn, make([]byte, 9)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (i *instance) dialRaw(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", i.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ignoreGoAway acks what must be acked, and stays.
func ignoreGoAway(t *testing.T, i *instance) {
	conn := i.dialRaw(t)
	if _, err := io.WriteString(conn, preface+settings); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 9)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the connection
		io.WriteString(conn, settingsAck)
		rest := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		for {
			body := make([]byte, rest)
			if _, err := io.ReadFull(conn, body); err != nil {
				return
			}
			if head[3] == framePing && head[4] == 0 {
				conn.Write(append([]byte{0, 0, 8, framePing, 1, 0, 0, 0, 0}, body...))
			}
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			rest = int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		}
	}()
}

func stuckUnary(t *testing.T, i *instance) {
	go testpb.NewTestServiceClient(i.dial(t)).UnaryCall(context.Background(), &testpb.SimpleRequest{FillUsername: true})
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
}

// lateStuckUnary is a call that comes while the instance drains: such a call can be answered in the place of its
// handler, and the client hears that it may have happened.
func lateStuckUnary(t *testing.T, i *instance) {
	if err := i.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	client := testpb.NewTestServiceClient(i.dial(t))
	go func() {
		_, err := client.UnaryCall(context.Background(), &testpb.SimpleRequest{FillUsername: true})
		answer <- err
	}()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	t.Cleanup(func() {
		if err := <-answer; status.Code(err) != codes.Unavailable || len(status.Convert(err).Details()) == 0 {
			t.Errorf("UnaryCall() = %v, want UNAVAILABLE with ErrorInfo, and no bare transport error", err)
		}
	})
}

func stuckRecv(t *testing.T, i *instance) {
	if _, err := testpb.NewTestServiceClient(i.dial(t)).FullDuplexCall(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.await(t, "streaming", func() bool { return i.Status().Calls.Streams == 1 })
}

// stuckSend opens a stream and reads nothing of it. It can be ended, but its status waits behind the data that the
// client does not read: only Stop gets rid of it.
func stuckSend(t *testing.T, i *instance) {
	if _, err := testpb.NewTestServiceClient(i.dial(t)).StreamingOutputCall(t.Context(), &testpb.StreamingOutputCallRequest{}); err != nil {
		t.Fatal(err)
	}
	i.await(t, "streaming", func() bool { return i.Status().Calls.Streams == 1 })
}

func watch(t *testing.T, i *instance) {
	stream, err := healthpb.NewHealthClient(i.dial(t)).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
}

// slowUpload begins a unary call and never sends its message: the interceptors do not see it, GracefulStop does.
func slowUpload(t *testing.T, i *instance) {
	stream, err := i.dial(t).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, testpb.TestService_UnaryCall_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	_ = stream
	i.roundTrip(t)
}

// slowReader asks for a reply that fits no window, by a stream so that it can leave it unread.
func slowReader(t *testing.T, i *instance) {
	stream, err := i.dial(t).NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, testpb.TestService_UnaryCall_FullMethodName)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg(&testpb.SimpleRequest{ResponseSize: 32 << 20}); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Header(); err != nil {
		t.Fatal(err)
	}
}

// roundTrip makes one call on a connection of its own, so that what was sent before it has most likely arrived.
func (i *instance) roundTrip(t *testing.T) {
	t.Helper()
	for range 3 {
		if _, err := testpb.NewTestServiceClient(i.dial(t)).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHonestHandshakeAtGracefulStop: a client that is slow, and in the middle of its handshake when GracefulStop begins,
// gets through or is refused cleanly, and holds nobody up.
func TestHonestHandshakeAtGracefulStop(t *testing.T) {
	t.Parallel()
	i := startServer(t, nil, nil, quick()...)
	conn := i.dialRaw(t)
	if _, err := io.WriteString(conn, preface[:12]); err != nil {
		t.Fatal(err)
	}
	i.roundTrip(t)
	i.stop()
	i.await(t, "stopping", func() bool { return i.Status().State >= lifecycle.Stopping })
	if _, err := io.WriteString(conn, preface[12:]+settings); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 9)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Errorf("the server's first frame: %v, want SETTINGS: the handshake was in time", err)
	}
	conn.Close()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
