// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/test/bufconn"

	"github.com/lameduck-go/lameduck/interceptor"
)

type server struct {
	testpb.UnimplementedTestServiceServer
}

func (server) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

// FullDuplexCall sits in Recv.
func (server) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
}

// pass is the cheapest interceptor there is: grpc-go allocates for the presence of any.
func pass(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	return handler(ctx, req)
}

// BenchmarkEmptyCall is one empty unary RPC, client included.
func BenchmarkEmptyCall(b *testing.B) {
	variants := []struct {
		name    string
		options func() []grpc.ServerOption
	}{
		{"bare", func() []grpc.ServerOption { return nil }},
		{"interceptor", func() []grpc.ServerOption { return []grpc.ServerOption{grpc.ChainUnaryInterceptor(pass)} }},
		{"tracked", func() []grpc.ServerOption { return new(interceptor.Tracker).ServerOptions() }},
	}
	for _, transport := range []string{"memory", "tcp"} {
		for _, v := range variants {
			client := dial(b, transport, v.options())
			b.Run("transport="+transport+"/server="+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := client.EmptyCall(b.Context(), &testpb.Empty{}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("transport="+transport+"/server="+v.name+"/parallel", func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						if _, err := client.EmptyCall(b.Context(), &testpb.Empty{}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

func dial(b *testing.B, transport string, opts []grpc.ServerOption) testpb.TestServiceClient {
	b.Helper()
	srv := grpc.NewServer(opts...)
	testpb.RegisterTestServiceServer(srv, server{})
	target, dialOptions := "passthrough:///memory", []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	var lis net.Listener
	if transport == "memory" {
		memory := bufconn.Listen(1 << 20)
		dialOptions = append(dialOptions, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return memory.DialContext(ctx)
		}))
		lis = memory
	} else {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		target, lis = "passthrough:///"+tcp.Addr().String(), tcp
	}
	go srv.Serve(lis)
	b.Cleanup(srv.Stop)
	conn, err := grpc.NewClient(target, dialOptions...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return testpb.NewTestServiceClient(conn)
}
