// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"sync"
	"time"
)

// faults is the state of the switches. It outlives a restart.
type faults struct {
	mu       sync.Mutex
	warmUp   time.Duration
	skew     time.Duration
	delay    time.Duration // of pushes; zero: that of the options
	failures []*failureRule
	slow     map[slowKey]time.Duration
	tokens   map[string]time.Time // when each expires
	counts   map[Op]int
}

func newFaults(o Options) *faults {
	return &faults{
		warmUp: o.ServeAfter,
		slow:   map[slowKey]time.Duration{},
		tokens: map[string]time.Time{},
		counts: map[Op]int{},
	}
}

// Op is a kind of request to the registry.
type Op string

// The kinds of requests, to limit a failure to some and to count them.
const (
	Register   Op = "register" // batch registration and update are registrations too
	Deregister Op = "deregister"
	Subscribe  Op = "subscribe" // and unsubscribe
	Query      Op = "query"
	OpenList   Op = "open list" // the v1 instance list over HTTP
	Login      Op = "login"
)

// Requests returns how many requests of a kind have reached the server since it
// was made, those included that were made to fail. It is for tests of how often
// a client asks.
func (s *Server) Requests(op Op) int {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	return s.faults.counts[op]
}

func (f *faults) count(op Op) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[op]++
}
