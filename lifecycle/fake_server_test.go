// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

type fakeServer struct {
	*recorder
	name    string
	calls   *fakeCalls
	stop    sync.Once
	stopped chan struct{}
	hang    chan struct{} // nil: nothing hangs; else both stops hang until it is closed
	fail    error         // of Serve
	linger  time.Duration // from the last answer until it has left

	listener atomic.Pointer[net.Listener]
}

func (s *fakeServer) Serve(l net.Listener) error {
	s.add(s.name + "Serve")
	s.listener.Store(&l)
	if s.fail != nil {
		return s.fail
	}
	<-s.stopped
	return nil
}

// GracefulStop waits for what is in flight, as grpc-go's does.
func (s *fakeServer) GracefulStop() {
	s.add(s.name + "GracefulStop")
	if l := s.listener.Load(); l != nil {
		(*l).Close()
	}
	if s.hang != nil {
		<-s.hang
	}
	for s.calls != nil && !s.calls.none() {
		select {
		case <-s.stopped:
			return
		case <-s.calls.changed():
		}
	}
	time.Sleep(s.linger)
	s.stop.Do(func() { close(s.stopped) })
}

func (s *fakeServer) Stop() {
	s.add(s.name + "Stop")
	if s.hang != nil {
		<-s.hang
	}
	s.stop.Do(func() { close(s.stopped) })
}

type fakeListener struct{}

func (fakeListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (fakeListener) Close() error              { return nil }
func (fakeListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7000} }

type fakeHealth struct{ *recorder }

func (h fakeHealth) CloseTraffic() { h.add("health.CloseTraffic") }
func (h fakeHealth) Drain()        { h.add("health.Drain") }
func (h fakeHealth) Shutdown()     { h.add("health.Shutdown") }
func (h fakeHealth) Resume()       { h.add("health.Resume") }
func (h fakeHealth) EndWatches()   { h.add("health.EndWatches") }

func (h fakeHealth) SetReady(ready bool) {
	if ready {
		h.add("ready")
	} else {
		h.add("not ready")
	}
}
