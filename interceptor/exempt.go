// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"strings"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors"
	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/selector"
	"google.golang.org/grpc"
)

// standard reports whether the method belongs to a service that every server may have and that says
// nothing about traffic: a probe must neither keep a server from going quiet nor be refused, and
// refusing a health Watch makes clients give up on the connection.
func standard(fullMethod string) bool {
	// One comparison decides for nearly every method.
	return strings.HasPrefix(fullMethod, "/grpc.") && (health(fullMethod) ||
		strings.HasPrefix(fullMethod, "/grpc.reflection.v1.ServerReflection/") ||
		strings.HasPrefix(fullMethod, "/grpc.reflection.v1alpha.ServerReflection/"))
}

func health(fullMethod string) bool { return strings.HasPrefix(fullMethod, "/grpc.health.v1.Health/") }

// matches asks the user's matcher, which must not be nil. info is nil for a unary call, req for a stream.
func matches(ctx context.Context, m selector.Matcher, fullMethod string, info *grpc.StreamServerInfo, req any) bool {
	return m.Match(ctx, interceptors.NewServerCallMeta(fullMethod, info, req))
}
