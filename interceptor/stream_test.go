// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
)

// fakeStream is a ServerStream for handlers that do not use it.
type fakeStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (f *fakeStream) Context() context.Context { return f.ctx }
func (f *fakeStream) SetTrailer(metadata.MD)   {}

var streamInfo = &grpc.StreamServerInfo{FullMethod: "/shop.v1.Orders/Watch", IsServerStream: true}

type clientStream = grpc.BidiStreamingClient[testpb.StreamingOutputCallRequest, testpb.StreamingOutputCallResponse]

// open opens a stream and waits until its handler runs, in a bubble.
func open(t *testing.T, client testpb.TestServiceClient) clientStream {
	t.Helper()
	stream, err := client.FullDuplexCall(t.Context())
	if err != nil {
		t.Fatalf("FullDuplexCall() = %v", err)
	}
	synctest.Wait()
	return stream
}

func receiving(s duplexStream) error {
	for {
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
}

func TestEndStreamsOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, lis := serve(t, &tracker, &backend{duplex: receiving})
		client := dial(t, retrying, lis)
		var streams [4]clientStream
		for i := range streams {
			streams[i] = open(t, client)
		}
		wantInFlight(t, &tracker, 0, 4)
		streams[1].CloseSend() // its handler returns io.EOF by itself
		synctest.Wait()
		wantInFlight(t, &tracker, 0, 3)
		for _, step := range []struct{ n, want int }{{0, 0}, {2, 2}, {5, 1}, {-1, 0}} {
			if got := tracker.EndStreams(step.n); got != step.want {
				t.Errorf("EndStreams(%d) = %d, want %d", step.n, got, step.want)
			}
			synctest.Wait()
			if step.n == 2 {
				for _, i := range []int{0, 2} {
					_, err := streams[i].Recv()
					wantInfo(t, err, ReasonShuttingDown, false)
					if got := streams[i].Trailer().Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "-1" {
						t.Errorf("pushback of stream %d = %v, want [-1]", i, got)
					}
				}
				wantInFlight(t, &tracker, 0, 1)
			}
		}
		_, err := streams[3].Recv()
		wantInfo(t, err, ReasonShuttingDown, false)
		wantInFlight(t, &tracker, 0, 0)
		wantCounts(t, &tracker, 4, 0, 0) // an ended stream is not replayed
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() = %d, want 0: Recv fails once its stream has ended", n)
		}
	})
}

func TestEndStreamsLetsGracefulStopReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		gate := make(chan struct{})
		srv, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			<-gate // ignores its context
			return nil
		}})
		stream := open(t, dial(t, plain, lis))
		stopped := make(chan struct{})
		go func() { srv.GracefulStop(); close(stopped) }()
		synctest.Wait()
		if isClosed(stopped) {
			t.Error("GracefulStop() returned while a stream was open")
		}
		tracker.EndStreams(-1)
		_, err := stream.Recv()
		wantInfo(t, err, ReasonShuttingDown, false)
		<-stopped
		if n := tracker.Abandoned(); n != 1 {
			t.Errorf("Abandoned() = %d, want 1", n)
		}
		close(gate)
		synctest.Wait()
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() after the handler = %d, want 0", n)
		}
	})
}

// EndStreams comes while handlers do all that a stream handler may do, a Send that waits for the
// client's window included. The race detector is the judge.
func TestEndStreamsRacesWithNothing(t *testing.T) {
	var tracker Tracker
	var handlers sync.WaitGroup
	_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
		handlers.Add(1)
		defer handlers.Done()
		reply := &testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, 1000)}}
		var helper sync.WaitGroup
		defer helper.Wait()
		helper.Go(func() { _ = receiving(s) })
		_ = s.SetHeader(metadata.Pairs("h", "1"))
		for {
			s.SetTrailer(metadata.Pairs("t", "1"))
			err := s.Send(reply)
			_ = s.SetHeader(metadata.Pairs("late", "1"))
			_ = s.SendHeader(metadata.Pairs("late", "1"))
			s.SetTrailer(metadata.Pairs("late", "1"))
			if err != nil {
				return err
			}
		}
	}})
	client := dial(t, plain, lis)
	for round := range 20 {
		var clients sync.WaitGroup
		for i := range 8 {
			stream, err := client.FullDuplexCall(t.Context())
			if err != nil {
				t.Fatalf("FullDuplexCall() = %v", err)
			}
			if _, err := stream.Recv(); err != nil { // its handler runs
				t.Fatalf("Recv() = %v", err)
			}
			clients.Go(func() {
				if i%2 == 0 { // others do not read: their handlers wait in Send
					for range round * 20 {
						_ = stream.Send(&testpb.StreamingOutputCallRequest{})
						_, _ = stream.Recv()
					}
				}
				var err error
				for err == nil {
					_, err = stream.Recv()
				}
				wantInfo(t, err, ReasonShuttingDown, false)
			})
		}
		ended := 0
		for ended < 8 {
			ended += tracker.EndStreams(3)
			runtime.Gosched()
		}
		clients.Wait()
		wantInFlight(t, &tracker, 0, 0)
	}
	handlers.Wait()
}

func TestTellStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		told := make(chan (<-chan struct{}), 1)
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			told <- Draining(s.Context())
			return receiving(s)
		}})
		client := dial(t, plain, lis)
		want := func(what string, ch <-chan struct{}, want bool) {
			t.Helper()
			if got := isClosed(ch); got != want {
				t.Errorf("%s: told = %v, want %v", what, got, want)
			}
		}
		elsewhere := tracker.Draining()
		open(t, client)
		first := <-told
		tracker.Drain()
		want("before TellStreams", first, false)
		tracker.TellStreams()
		tracker.TellStreams()
		want("the stream from before", first, true)
		want("everybody else", elsewhere, true)
		open(t, client)
		want("a stream that begins later", <-told, true)
		want("who asks later", tracker.Draining(), true)

		tracker.Resume()
		want("the stream from before, after Resume", first, true)
		open(t, client)
		second := <-told
		want("a stream after Resume", second, false)
		fresh := tracker.Draining()
		want("who asks after Resume", fresh, false)

		tracker.Drain()
		tracker.TellStreams()
		want("a stream at the second TellStreams", second, true)
		want("who asked after Resume", fresh, true)
		wantCounts(t, &tracker, 3, 1, 0)
		tracker.EndStreams(-1)
	})
}

func TestResumeWithoutTellStreamsKeepsTheChannel(t *testing.T) {
	var tracker Tracker
	ch := tracker.Draining()
	tracker.Drain()
	tracker.Resume()
	tracker.TellStreams()
	if !isClosed(ch) {
		t.Error("TellStreams() after Resume() missed the one who asked before, who was never told")
	}
}

func TestStreamPanicIsPassedOnAndCountedOut(t *testing.T) {
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	cause := errors.New("boom")
	value := panicOf(func() {
		_ = intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, func(any, grpc.ServerStream) error { panic(cause) })
	})
	p, ok := value.(*HandlerPanic)
	if !ok || p.Value != cause || !errors.Is(p, cause) {
		t.Errorf("panic value = %v (%T), want a *HandlerPanic of %v", value, value, cause)
	}
	wantInFlight(t, &tracker, 0, 0)
}

func TestStreamGoexitIsAnInternalError(t *testing.T) {
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	err := intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, func(any, grpc.ServerStream) error {
		runtime.Goexit()
		return nil
	})
	wantCode(t, "a handler that calls runtime.Goexit", err, codes.Internal)
	wantInFlight(t, &tracker, 0, 0)
}

func TestPanicAfterTheAnswerIsOnlyLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			_, _ = s.Recv()
			panic("too late")
		}})
		stream := open(t, dial(t, plain, lis))
		tracker.EndStreams(-1)
		_, err := stream.Recv()
		wantInfo(t, err, ReasonShuttingDown, false)
		synctest.Wait()
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() = %d, want 0", n)
		}
	})
	if line := log.String(); !strings.Contains(line, "too late") || !strings.Contains(line, "FullDuplexCall") {
		t.Errorf("log = %q, want the panic and the method", line)
	}
}

// Streams are refused or counted, never both and never neither, while the flag goes up and down.
func TestStreamRefusedOrCounted(t *testing.T) {
	const callers, calls = 4, 2_000
	var tracker Tracker
	intercept := tracker.StreamServerInterceptor()
	var mu sync.Mutex
	var down, wrong bool
	ran := 0
	handler := func(any, grpc.ServerStream) error {
		mu.Lock()
		defer mu.Unlock()
		ran++
		wrong = wrong || down
		return io.EOF
	}
	setDown := func(d bool) { mu.Lock(); down = d; mu.Unlock() }
	var group sync.WaitGroup
	turnedAway := make([]int, callers)
	for c := range callers {
		group.Go(func() {
			for range calls {
				if err := intercept(nil, &fakeStream{ctx: t.Context()}, streamInfo, handler); err != io.EOF {
					turnedAway[c]++
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for !isClosed(done) {
		tracker.Refuse()
		for _, streams := tracker.InFlight(); streams != 0; _, streams = tracker.InFlight() {
			runtime.Gosched()
		}
		setDown(true)
		runtime.Gosched()
		setDown(false)
		tracker.Resume()
		runtime.Gosched()
	}
	refused := 0
	for _, n := range turnedAway {
		refused += n
	}
	if wrong {
		t.Error("a stream handler ran after the flag was set and no stream in flight was seen")
	}
	wantCounts(t, &tracker, uint64(ran), 0, uint64(refused))
	if ran+refused != callers*calls {
		t.Errorf("%d ran and %d were refused, want %d in all", ran, refused, callers*calls)
	}
}
