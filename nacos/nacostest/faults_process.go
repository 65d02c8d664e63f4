// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"errors"
	"time"
)

// Kill ends the server as kill -9 does: connections break, the ports refuse, and
// what clients had published is gone. Operators' edits stay, as they do on 2.5.1
// and 3.0.3 when the data directory is kept. In a cluster the other nodes keep
// what the node had for [DefaultStaleCopy]. Revive starts it again.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopLife()
}

// Revive starts a killed server again on the same ports. It does nothing to one
// that is running, and fails on one that was closed.
func (s *Server) Revive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("nacostest: Revive: server is closed")
	}
	if s.life.Load() != nil {
		return nil
	}
	http, grpc, err := listenAgain(s.host, s.port)
	if err != nil {
		return err
	}
	s.life.Store(s.startLife(http, grpc))
	return nil
}

// Restart is Kill, outage, Revive, and returns after the last.
//
// A standalone server comes back with an empty memory, and a client that
// reconnects subscribes before it registers again. What its callback shows in
// between was, on 2.5.1, 3.0.3 and r-nacos 0.8.5 alike: an empty list, a list of
// others without itself (see [Server.SlowRegister]), or nothing at all; for 0.06
// to 0.9 s.
func (s *Server) Restart(outage time.Duration) error {
	s.Kill()
	time.Sleep(outage)
	return s.Revive()
}

// ServeAfter makes the server, from its next start on, accept connections d
// before it serves: until then requests are answered "server is starting"
// (error 300) over gRPC and 503 over HTTP. On a starved machine 2.5.1 and 3.0.3
// accepted 8 to 27 s before they served. Options.ServeAfter is the same for the
// first start.
func (s *Server) ServeAfter(d time.Duration) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.warmUp = d
}

func (f *faults) serveAfter() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.warmUp
}

// Freeze stops the server as SIGSTOP does: the kernel still takes connections and
// bytes, nothing is read or answered, nothing is pushed. Thaw goes on where it
// stopped. 2.5.1 and 3.0.3 were frozen for 3, 12 and 30 s: no client's callback
// saw anything, a request failed at its own time limit, and the next one in 0.3 s.
func (s *Server) Freeze() {
	s.gate.freeze()
	s.log("frozen")
}

// Thaw ends Freeze, as SIGCONT does.
func (s *Server) Thaw() {
	s.gate.thaw()
	s.log("thawed")
}
