// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/lameduck-go/lameduck/interceptor"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

type greeter struct {
	testpb.UnimplementedTestServiceServer
}

func (greeter) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

// A server goes through the states of an offline; lifecycle.Manager does this with the right timing.
func Example() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(lis)
	defer srv.GracefulStop()

	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := testpb.NewTestServiceClient(conn)
	call := func(state string) {
		_, err := client.EmptyCall(context.Background(), &testpb.Empty{})
		fmt.Printf("%s: %v, admitted %d, late %d, refused %d\n",
			state, status.Code(err), tracker.Admitted(), tracker.Late(), tracker.Refused())
	}

	call("serving")
	tracker.Drain()
	call("draining")
	tracker.Refuse()
	call("refusing")
	tracker.Resume()
	call("serving")
	// Output:
	// serving: OK, admitted 1, late 0, refused 0
	// draining: OK, admitted 2, late 1, refused 0
	// refusing: Unavailable, admitted 2, late 1, refused 1
	// serving: OK, admitted 3, late 1, refused 1
}

type ticker struct {
	testpb.UnimplementedTestServiceServer
}

// StreamingOutputCall goes on until the client leaves or the server is about to stop.
func (ticker) StreamingOutputCall(_ *testpb.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := stream.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-interceptor.Draining(stream.Context()):
			return nil // a clean end: the client opens its next stream elsewhere
		}
	}
}

// A stream handler that ends by itself when it is told.
func ExampleDraining() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, ticker{})
}

// poller waits for news, for up to a minute.
type poller struct {
	testpb.UnimplementedTestServiceServer
	going func() <-chan struct{} // tracker.Draining
	news  chan *testpb.Empty
}

// EmptyCall is a long poll. The context of a unary call says nothing of the server, so it asks the Tracker.
func (p poller) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	select {
	case n := <-p.news:
		return n, nil
	case <-p.going():
		return &testpb.Empty{}, nil // nothing new: the client asks again, elsewhere
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// Handlers that wait and are no streams: a unary call, an HTTP handler, a handler of another RPC framework (which is an
// HTTP handler). All of them ask the Tracker; that costs no allocation.
func ExampleTracker_Draining() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, poller{going: tracker.Draining, news: make(chan *testpb.Empty)})

	http.Handle("/poll", tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-tracker.Draining():
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	})))
}

// A gRPC server on the port of an HTTP server.
func ExampleTrailersOnly() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, greeter{})
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: interceptor.TrailersOnly(srv), Protocols: &protocols}
	_ = web // to lifecycle.HTTPServer(web)
}
