// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// services describes the two gRPC services of the protocol. Generated
// descriptions would bring the generated messages with them.
func (l *life) services() []grpc.ServiceDesc {
	return []grpc.ServiceDesc{{
		ServiceName: "Request",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{
			MethodName: "request",
			Handler: func(_ any, ctx context.Context, dec func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var in payload
				if err := dec(&in); err != nil {
					return nil, err
				}
				return l.answer(ctx, &in)
			},
		}},
		Metadata: "nacos_grpc_service.proto",
	}, {
		ServiceName: "BiRequestStream",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName:    "requestBiStream",
			Handler:       func(_ any, stream grpc.ServerStream) error { return l.stream(stream) },
			ServerStreams: true,
			ClientStreams: true,
		}},
		Metadata: "nacos_grpc_service.proto",
	}}
}

// connectionTags gives every RPC the connection that it came on: the protocol
// has no other name for a client.
type connectionTags struct{ life *life }

type connectionContextKey struct{}

func (t connectionTags) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionContextKey{}, t.life.connect(info.RemoteAddr))
}

func (t connectionTags) HandleConn(ctx context.Context, s stats.ConnStats) {
	if _, ok := s.(*stats.ConnEnd); ok {
		t.life.disconnect(connectionOf(ctx))
	}
}

func (connectionTags) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (connectionTags) HandleRPC(context.Context, stats.RPCStats) {}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionContextKey{}).(*connection)
	return c
}

// stream serves a client's stream: it carries the set-up and the answers to
// pushes one way, pushes and questions the other.
func (l *life) stream(stream grpc.ServerStream) error {
	c := connectionOf(stream.Context())
	out := newOutbox()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		out.drain(stream)
	}()
	defer func() {
		out.close()
		<-ended
	}()
	for {
		var in payload
		if err := stream.RecvMsg(&in); err != nil {
			return nil // the end of the connection, which ConnEnd handles
		}
		l.receive(c, out, &in)
	}
}
