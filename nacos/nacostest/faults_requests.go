// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Failure is a way in which a request fails.
type Failure int

const (
	// ErrorResponse is the general failure, error 500. The SDK repeats such a
	// request twice, then returns the error, checks the connection, and sends all
	// its subscriptions and registrations once more. Over HTTP it is a 500.
	ErrorResponse Failure = iota + 1
	// Forbidden is a failure in the type of the answer, error 403, as the
	// authentication filter of 2.x makes it. The SDK returns (false, nil) from
	// Register and Deregister, nil from Subscribe, and does not repeat it until it
	// reconnects. Over HTTP it is a 403.
	Forbidden
	// Timeout is no answer and no effect.
	Timeout
	// AnswerLost is the effect without an answer.
	AnswerLost
	// Ignored is an answer of success without the effect, as servers before 2.3.2
	// gave on a connection that they no longer knew (alibaba/nacos#11895).
	Ignored
)

func (f Failure) String() string {
	switch f {
	case 0:
		return "none"
	case ErrorResponse:
		return "error response"
	case Forbidden:
		return "forbidden"
	case Timeout:
		return "timeout"
	case AnswerLost:
		return "answer lost"
	case Ignored:
		return "ignored"
	}
	return "unknown failure"
}

type failureRule struct {
	failure Failure
	left    int // negative: without a limit
	ops     []Op
}

// FailNext makes the next n requests fail, of the given kinds, or of all kinds
// but OpenList and Login when none is given. With n < 0 it is all requests to
// come, with n = 0 the earlier orders for this failure are taken back. Orders
// are used up in the order in which they were given, and stay over a restart.
func (s *Server) FailNext(failure Failure, n int, ops ...Op) {
	f := s.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == 0 {
		f.failures = slices.DeleteFunc(f.failures, func(r *failureRule) bool { return r.failure == failure })
		return
	}
	if len(ops) == 0 {
		ops = []Op{Register, Deregister, Subscribe, Query}
	}
	f.failures = append(f.failures, &failureRule{failure: failure, left: n, ops: slices.Clone(ops)})
}

// next returns how a request is to fail; zero: not.
func (f *faults) next(op Op) Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.failures {
		if r.left != 0 && slices.Contains(r.ops, op) {
			if r.left > 0 {
				r.left--
			}
			return r.failure
		}
	}
	return 0
}

type slowKey struct {
	service serviceKey
	addr    string
}

// SlowRegister makes registrations of addr take effect, and be answered, d late;
// zero ends it. Used with [Server.Restart] it gives the partial list of a real
// restart: 9 of 36 absences seen on 2.5.1, 3.0.3 and r-nacos 0.8.5 were not an
// empty list but one with others in it and without the own instance, up to
// 0.54 s long, since the others had registered first. d has to be shorter than
// the client's time limit.
func (s *Server) SlowRegister(service, addr string, d time.Duration) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.slow[slowKey{parseService(service), addr}] = d
}

// hold waits for a slow registration's time.
func (f *faults) hold(ctx context.Context, r *request) error {
	f.mu.Lock()
	d := f.slow[slowKey{r.key(), r.Instance.instance().Addr()}]
	f.mu.Unlock()
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// silence keeps an answer back until the client has gone.
func silence(ctx context.Context) error {
	<-ctx.Done()
	return errors.Join(errSilence, context.Cause(ctx))
}

var errSilence = errors.New("nacostest: answer withheld")
