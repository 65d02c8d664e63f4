// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// What the ErrorInfo (google.rpc, in the details of the status) of our own answers says. All of them
// are UNAVAILABLE:
//
//	answer to            reason             RetryInfo  grpc-retry-pushback-ms
//	a refused RPC        SHUTTING_DOWN      at once     0   it did not happen
//	an ended stream      SHUTTING_DOWN      none       -1   part of it happened
//	an abandoned call    HANDLER_ABANDONED  none       -1   it may have happened
const (
	Domain                 = "github.com/lameduck-go/lameduck"
	ReasonShuttingDown     = "SHUTTING_DOWN"
	ReasonHandlerAbandoned = "HANDLER_ABANDONED"
)

// answer is a status and the trailer that goes with it. Made once for each interceptor: both are
// read-only, and grpc copies the trailer.
type answer struct {
	err     error
	trailer metadata.MD
}

func refusal() answer {
	return newAnswer("the server is shutting down, the RPC was not run", "0",
		&errdetails.ErrorInfo{Reason: ReasonShuttingDown, Domain: Domain}, &errdetails.RetryInfo{})
}

func ending() answer {
	return newAnswer("the server is shutting down, the stream was ended", "-1",
		&errdetails.ErrorInfo{Reason: ReasonShuttingDown, Domain: Domain})
}

func abandonment() answer {
	return newAnswer("the server is shutting down, the handler has not finished", "-1",
		&errdetails.ErrorInfo{Reason: ReasonHandlerAbandoned, Domain: Domain})
}

// newAnswer sets the pushback by the trailer of gRFC A6: "0" is a retry at once, "-1" none.
func newAnswer(message, pushback string, details ...protoadapt.MessageV1) answer {
	st := status.New(codes.Unavailable, message)
	// The only errors are an OK status and a message that cannot be encoded.
	if detailed, err := st.WithDetails(details...); err == nil {
		st = detailed
	}
	return answer{err: st.Err(), trailer: metadata.Pairs("grpc-retry-pushback-ms", pushback)}
}

// unary returns the error to answer a unary call with. SetTrailer fails when the RPC has ended by
// itself, and then nobody reads a trailer.
func (a answer) unary(ctx context.Context) error {
	_ = grpc.SetTrailer(ctx, a.trailer)
	return a.err
}

// stream returns the error to answer a stream with.
func (a answer) stream(ss grpc.ServerStream) error {
	ss.SetTrailer(a.trailer)
	return a.err
}
