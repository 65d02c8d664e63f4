// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
)

// TB is the part of testing.TB that [Start] uses, so that programs that are not
// tests can link this package without package testing.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// Server is one node of a Nacos naming server.
type Server struct {
	opts    Options
	host    string
	port    int
	cluster *cluster
	gate    gate
	faults  *faults

	mu     sync.Mutex // of starting and stopping
	closed bool

	life atomic.Pointer[life] // nil while the server is down
}

// Start starts a server for a test and closes it when the test ends. It takes at
// most one Options.
func Start(tb TB, opts ...Options) *Server {
	tb.Helper()
	if len(opts) > 1 {
		tb.Fatalf("nacostest: Start takes at most one Options, got %d", len(opts))
	}
	s, err := NewServer(append(opts, Options{})[0])
	if err != nil {
		tb.Fatalf("%v", err)
	}
	tb.Cleanup(s.Close)
	tb.Logf("nacostest: serving on %s", s.Addr())
	return s
}

// NewServer starts a server that listens when it returns, and serves unless
// Options.ServeAfter says otherwise. Close ends it.
func NewServer(opts Options) (*Server, error) {
	return newNode(newCluster(), opts)
}

func newNode(c *cluster, opts Options) (*Server, error) {
	s := &Server{opts: opts.withDefaults(), cluster: c, faults: newFaults(opts)}
	host, port, err := parseAddr(opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("nacostest: Options.Addr %q: %w", opts.Addr, err)
	}
	http, grpc, err := listenPair(host, port)
	if err != nil {
		return nil, fmt.Errorf("nacostest: Options.Addr %q: %w", opts.Addr, err)
	}
	s.host = host
	s.port = http.Addr().(*net.TCPAddr).Port
	s.life.Store(s.startLife(http, grpc))
	return s, nil
}

// Addr returns "127.0.0.1:N", or the host of Options.Addr and N, N being the HTTP
// port; gRPC is served on N+1000. It stays the same over restarts.
func (s *Server) Addr() string { return join(s.host, s.port) }

// Services returns the names of all services that have instances, hidden ones
// too, sorted, in the form that Instances takes. While the server is down it
// returns nil.
func (s *Server) Services() []string {
	var names []string
	s.withNaming(func(n *naming) {
		for key, service := range n.services {
			if len(service.publishers) > 0 {
				names = append(names, key.String())
			}
		}
	})
	slices.Sort(names)
	return names
}

// Instances returns everything that is published for a service, hidden instances
// too, sorted by address. While the server is down it returns nil.
func (s *Server) Instances(service string) []Instance {
	var all []Instance
	s.withNaming(func(n *naming) { all = n.instances(parseService(service)) })
	return all
}

// Connections returns how many clients are connected and set up.
func (s *Server) Connections() int {
	connected := 0
	s.withNaming(func(n *naming) {
		for _, c := range n.clients {
			if c.deliver != nil {
				connected++
			}
		}
	})
	return connected
}

// Close ends the server as a kill would, and returns when all its goroutines have
// ended. It is idempotent.
func (s *Server) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.stopLife()
}

func (s *Server) stopLife() {
	if l := s.life.Swap(nil); l != nil {
		l.stop()
		s.log("down")
		s.gate.thaw() // the next process is not the one that was stopped
	}
}
