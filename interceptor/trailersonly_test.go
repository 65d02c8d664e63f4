// SPDX-License-Identifier: Apache-2.0

package interceptor_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// serveHTTP serves a gRPC server by net/http, behind around.
func serveHTTP(t *testing.T, tracker *interceptor.Tracker, impl testpb.TestServiceServer, around func(http.Handler) http.Handler) string {
	t.Helper()
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, impl)
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	web := &http.Server{Handler: around(srv), Protocols: &protocols}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(lis)
	}()
	t.Cleanup(func() {
		web.Close()
		<-done
	})
	return lis.Addr().String()
}

func plain(h http.Handler) http.Handler { return h }

const retrying = `{"loadBalancingConfig":[{"round_robin":{}}],"methodConfig":[{"name":[{}],"retryPolicy":{
	"maxAttempts":4,"initialBackoff":"0.005s","maxBackoff":"0.01s","backoffMultiplier":1,"retryableStatusCodes":["UNAVAILABLE"]}}]}`

func dialAll(t *testing.T, addrs ...string) testpb.TestServiceClient {
	t.Helper()
	var state resolver.State
	for _, addr := range addrs {
		state.Addresses = append(state.Addresses, resolver.Address{Addr: addr})
	}
	r := manual.NewBuilderWithScheme("test")
	r.InitialState(state)
	conn, err := grpc.NewClient("test:///", grpc.WithResolvers(r), grpc.WithDefaultServiceConfig(retrying),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return testpb.NewTestServiceClient(conn)
}

// A client with a retry policy repeats what was refused, as it does on a native server.
func TestRefusalThroughServeHTTPIsRepeated(t *testing.T) {
	for name, around := range map[string]func(http.Handler) http.Handler{"as grpc-go has it": plain, "trailers only": interceptor.TrailersOnly} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var going, staying interceptor.Tracker
			client := dialAll(t, serveHTTP(t, &going, greeter{}, around), serveHTTP(t, &staying, greeter{}, around))
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for going.Admitted() == 0 || staying.Admitted() == 0 { // both are connected
				if _, err := client.EmptyCall(ctx, &testpb.Empty{}, grpc.WaitForReady(true)); err != nil {
					t.Fatal(err)
				}
			}
			going.Refuse()
			failed := 0
			for range 50 {
				if _, err := client.EmptyCall(ctx, &testpb.Empty{}); err != nil {
					failed++
				}
			}
			if going.Refused() == 0 {
				t.Error("nothing was refused")
			}
			if trailers := name == "trailers only"; trailers != (failed == 0) {
				t.Errorf("%d of 50 calls failed, want none with trailers only, and some without: else it is not needed any more", failed)
			}
		})
	}
}

// noisy sends a header, trailers, data or nothing, as it is told.
type noisy struct {
	testpb.UnimplementedTestServiceServer
}

func (noisy) UnaryCall(ctx context.Context, req *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	grpc.SetTrailer(ctx, metadata.Pairs("after", "1", "after", "2", "bytes-bin", "\x00\xff"))
	if req.GetFillUsername() {
		grpc.SendHeader(ctx, metadata.Pairs("before", "yes"))
	}
	if req.GetFillServerId() {
		return nil, status.Error(codes.FailedPrecondition, "not so, 100 %")
	}
	return &testpb.SimpleResponse{Username: strings.Repeat("x", 100)}, nil
}

func (noisy) StreamingOutputCall(req *testpb.StreamingOutputCallRequest, stream grpc.ServerStreamingServer[testpb.StreamingOutputCallResponse]) error {
	for range req.GetResponseParameters() {
		if err := stream.Send(&testpb.StreamingOutputCallResponse{}); err != nil {
			return err
		}
	}
	return nil
}

// What a client gets is what it gets without.
func TestTrailersOnlyChangesNothingElse(t *testing.T) {
	type seen struct {
		code                codes.Code
		message, size       string
		before, after, data string
	}
	look := func(t *testing.T, around func(http.Handler) http.Handler, req *testpb.SimpleRequest) seen {
		client := dialAll(t, serveHTTP(t, &interceptor.Tracker{}, noisy{}, around))
		var header, trailer metadata.MD
		resp, err := client.UnaryCall(t.Context(), req, grpc.Header(&header), grpc.Trailer(&trailer), grpc.WaitForReady(true))
		return seen{
			status.Code(err), status.Convert(err).Message(), resp.GetUsername(),
			strings.Join(header["before"], ","), strings.Join(trailer["after"], ","), strings.Join(trailer["bytes-bin"], ","),
		}
	}
	for _, req := range []*testpb.SimpleRequest{{}, {FillServerId: true}, {FillUsername: true}, {FillUsername: true, FillServerId: true}} {
		want, got := look(t, plain, req), look(t, interceptor.TrailersOnly, req)
		if got != want {
			t.Errorf("%v: got %+v, want %+v", req, got, want)
		}
	}
	for _, n := range []int{0, 3} {
		client := dialAll(t, serveHTTP(t, &interceptor.Tracker{}, noisy{}, interceptor.TrailersOnly))
		stream, err := client.StreamingOutputCall(t.Context(),
			&testpb.StreamingOutputCallRequest{ResponseParameters: make([]*testpb.ResponseParameters, n)}, grpc.WaitForReady(true))
		if err != nil {
			t.Fatal(err)
		}
		messages := 0
		for err == nil {
			if _, err = stream.Recv(); err == nil {
				messages++
			}
		}
		if messages != n || err.Error() != "EOF" {
			t.Errorf("stream of %d brought %d messages and %v, want all and EOF", n, messages, err)
		}
	}
}

// What is not gRPC passes.
func TestTrailersOnlyLeavesOtherRequestsAlone(t *testing.T) {
	handler := interceptor.TrailersOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			t.Error("the ResponseWriter is wrapped, want it as it came")
		}
	}))
	for _, contentType := range []string{"", "text/html", "application/grpc-web", "application/grpcx"} {
		r, err := http.NewRequest(http.MethodPost, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.ProtoMajor = 2
		r.Header.Set("Content-Type", contentType)
		handler.ServeHTTP(flushable{}, r)
	}
}

type flushable struct{ http.ResponseWriter }

func (flushable) Flush() {}
