// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
)

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

// An open reflection stream would hold GracefulStop as long as any other.
func TestEndStreamsOfAllEndsTheExemptOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := Tracker{Exempt: selector.MatchFunc(func(context.Context, interceptors.CallMeta) bool { return true })}
		told := make(chan struct{}, 1)
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			go func() {
				<-Draining(s.Context())
				told <- struct{}{}
			}()
			return receiving(s)
		}})
		tracker.Refuse()
		stream := open(t, dial(t, retrying, lis))
		wantInFlight(t, &tracker, 0, 0)
		if got := tracker.EndStreams(1); got != 0 {
			t.Errorf("EndStreams(1) = %d, want 0: what is exempt is not counted", got)
		}
		synctest.Wait()
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() = %d after EndStreams(1), want 0: what is exempt goes on", n)
		}
		tracker.TellStreams()
		<-told
		if got := tracker.EndStreams(-1); got != 0 {
			t.Errorf("EndStreams(-1) = %d, want 0", got)
		}
		_, err := stream.Recv()
		wantInfo(t, err, ReasonShuttingDown, false)
		if tracker.Refused() != 0 || tracker.Admitted() != 0 {
			t.Errorf("%d refused, %d admitted, want none", tracker.Refused(), tracker.Admitted())
		}
	})
}

// A handler that waits for its context alone does not go on for ever.
func TestEndStreamsCancelsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			<-s.Context().Done()
			return nil
		}})
		stream := open(t, dial(t, plain, lis))
		tracker.EndStreams(-1)
		_, err := stream.Recv()
		wantCode(t, "Recv()", err, codes.Unavailable)
		synctest.Wait()
		if n := tracker.Abandoned(); n != 0 {
			t.Errorf("Abandoned() = %d, want 0: the handler has seen the end of its context", n)
		}
	})
}
