// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"io"
	"regexp"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
)

// A verdict is how a call or a stream ended, as its client can tell.
type verdict int

const (
	answered  verdict = iota // OK, or a clean end of the stream
	refused                  // SHUTTING_DOWN with RetryInfo: the handler was not entered
	ended                    // SHUTTING_DOWN without: a stream that was ended
	abandoned                // HANDLER_ABANDONED
	undialled                // connection refused
	timedOut                 // the client's own deadline
	cut                      // whatever else: a bare transport error
)

var verdictNames = [...]string{"answered", "refused", "ended", "abandoned", "undialled", "timed out", "cut"}

func (v verdict) String() string { return verdictNames[v] }

var refusedDial = regexp.MustCompile(`dial sim \S+#(\d+): connection refused`)

// judge reads an error; gone is the instance that was the last to listen where a dial was refused.
func judge(err error) (v verdict, gone int) {
	if err == nil || errors.Is(err, io.EOF) {
		return answered, 0
	}
	st := status.Convert(err)
	reason, retry := "", false
	for _, d := range st.Details() {
		switch d := d.(type) {
		case *errdetails.ErrorInfo:
			reason = d.GetReason()
		case *errdetails.RetryInfo:
			retry = true
		}
	}
	switch {
	case reason == interceptor.ReasonHandlerAbandoned:
		return abandoned, 0
	case reason == interceptor.ReasonShuttingDown && retry:
		return refused, 0
	case reason == interceptor.ReasonShuttingDown:
		return ended, 0
	case st.Code() == codes.DeadlineExceeded:
		return timedOut, 0
	}
	if m := refusedDial.FindStringSubmatch(st.Message()); m != nil {
		gone, _ = strconv.Atoi(m[1]) // digits
		return undialled, gone
	}
	return cut, 0
}
