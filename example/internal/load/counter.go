// SPDX-License-Identifier: Apache-2.0

package load

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// samples is how many failures are kept with their text.
const samples = 5

// notBegun is the name under which calls are counted that could not begin.
const notBegun = "NOT_BEGUN"

// Counts is what a load has seen.
type Counts struct {
	Calls      uint64            `json:"calls"`
	Failed     uint64            `json:"failed"`
	Codes      map[string]uint64 `json:"codes"` // of calls, and of streams that the server ended
	Streams    uint64            `json:"streams"`
	StreamsCut uint64            `json:"streams_cut"`

	Samples []string `json:"-"` // the first failures, with their time and text
}

// PerMillion returns the failed calls among a million, 0 when there were none.
func (c Counts) PerMillion() float64 {
	if c.Calls == 0 {
		return 0
	}
	return float64(c.Failed) / float64(c.Calls) * 1e6
}

// Add returns the sum of both.
func (c Counts) Add(other Counts) Counts {
	sum := Counts{
		Calls:      c.Calls + other.Calls,
		Failed:     c.Failed + other.Failed,
		Codes:      maps.Clone(c.Codes),
		Streams:    c.Streams + other.Streams,
		StreamsCut: c.StreamsCut + other.StreamsCut,
		Samples:    append(c.Samples[:len(c.Samples):len(c.Samples)], other.Samples...),
	}
	if sum.Codes == nil {
		sum.Codes = make(map[string]uint64)
	}
	for code, n := range other.Codes {
		sum.Codes[code] += n
	}
	return sum
}

// counter is ready to use. A lock is cheap beside a call over a socket.
type counter struct {
	mu  sync.Mutex
	sum Counts
}

func (c *counter) called(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Calls++
	c.code(err)
	if err != nil {
		c.sum.Failed++
		c.sample("call", err)
	}
}

func (c *counter) notBegun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Calls++
	c.sum.Failed++
	c.add(notBegun)
}

func (c *counter) streamOpened() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Streams++
}

// streamEnded counts the end that the server or the connection gave to a stream: nil is a clean one.
func (c *counter) streamEnded(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.code(err)
	if err != nil {
		c.sum.StreamsCut++
		c.sample("stream", err)
	}
}

func (c *counter) code(err error) {
	code := status.Code(err)
	if name, ok := codeNames[code]; ok {
		c.add(name)
		return
	}
	c.add(code.String())
}

func (c *counter) add(name string) {
	if c.sum.Codes == nil {
		c.sum.Codes = make(map[string]uint64)
	}
	c.sum.Codes[name]++
}

func (c *counter) sample(what string, err error) {
	if len(c.sum.Samples) < samples {
		c.sum.Samples = append(c.sum.Samples, fmt.Sprintf("%s %s: %v", time.Now().Format("15:04:05.000"), what, err))
	}
}

func (c *counter) counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum.Add(Counts{})
}

// codeNames are the names of the specification; grpc-go prints others.
var codeNames = map[codes.Code]string{
	codes.OK:                 "OK",
	codes.Canceled:           "CANCELLED",
	codes.Unknown:            "UNKNOWN",
	codes.InvalidArgument:    "INVALID_ARGUMENT",
	codes.DeadlineExceeded:   "DEADLINE_EXCEEDED",
	codes.NotFound:           "NOT_FOUND",
	codes.AlreadyExists:      "ALREADY_EXISTS",
	codes.PermissionDenied:   "PERMISSION_DENIED",
	codes.ResourceExhausted:  "RESOURCE_EXHAUSTED",
	codes.FailedPrecondition: "FAILED_PRECONDITION",
	codes.Aborted:            "ABORTED",
	codes.OutOfRange:         "OUT_OF_RANGE",
	codes.Unimplemented:      "UNIMPLEMENTED",
	codes.Internal:           "INTERNAL",
	codes.Unavailable:        "UNAVAILABLE",
	codes.DataLoss:           "DATA_LOSS",
	codes.Unauthenticated:    "UNAUTHENTICATED",
}
