// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Agent answers the agent-check of HAProxy: "up" while the instance serves, and "down" from lame duck on. HAProxy then
// sends no new calls, and lets those under way end. It never says "drain", "maint", "ready" or a weight: "drain" and a
// weight of zero outlive the process, and "ready" ends an operator's maintenance (2.6.12). "down" heals by itself, and
// needs no rights at the balancer.
//
// It fits two interfaces of package lifecycle, Server and Health, and goes with any health service:
//
//	agent := new(haproxy.Agent)
//	m := lifecycle.New(srv, lifecycle.WithHealth(hs), lifecycle.WithHealth(agent), lifecycle.WithAdmin(agent, lis))
//
//	server s1 10.0.0.7:9090 proto h2 check agent-check agent-port 9091 agent-inter 1s
//
// Without package lifecycle call Resume, Drain, Serve and Stop. Settle for twice agent-inter: HAProxy hears of it at its
// next turn. When the listener is closed HAProxy keeps what it has heard last.
//
// Each connection is answered at once and closed, one after the other, on the goroutine of Serve; nothing is read. The
// zero value is ready and says "down". All methods are safe for concurrent use.
type Agent struct {
	serving atomic.Bool

	mu        sync.Mutex
	stopped   bool
	listeners map[net.Listener]bool
	loops     sync.WaitGroup
}

const (
	agentUp   = "up\n"
	agentDown = "down\n"

	// agentWrite is what an answer may take. It fits into any send buffer.
	agentWrite = time.Second
	// acceptPause passes after an Accept that has failed and may succeed: when there are no more file descriptors.
	acceptPause = 10 * time.Millisecond
)

// Serve answers on lis and blocks until Stop or GracefulStop, then it returns nil; else the error of lis. It closes lis.
func (a *Agent) Serve(lis net.Listener) error {
	if !a.begin(lis) {
		_ = lis.Close()
		return nil
	}
	defer a.end(lis)
	for {
		conn, err := lis.Accept()
		switch {
		case err == nil:
			a.answer(conn)
		case a.hasStopped():
			return nil
		case isTemporary(err):
			pause(context.Background(), acceptPause)
		default:
			return err
		}
	}
}

func (a *Agent) answer(conn net.Conn) {
	defer conn.Close()
	word := agentDown
	if a.serving.Load() {
		word = agentUp
	}
	_ = conn.SetWriteDeadline(time.Now().Add(agentWrite))
	_, _ = io.WriteString(conn, word)
}

// GracefulStop is Stop: no connection lasts.
func (a *Agent) GracefulStop() { a.Stop() }

// Stop closes the listeners and returns when Serve is about to return. It is idempotent; a later Serve returns at once.
func (a *Agent) Stop() {
	a.mu.Lock()
	a.stopped = true
	for lis := range a.listeners {
		_ = lis.Close()
	}
	a.mu.Unlock()
	a.loops.Wait()
}

func (a *Agent) begin(lis net.Listener) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stopped {
		return false
	}
	if a.listeners == nil {
		a.listeners = map[net.Listener]bool{}
	}
	a.listeners[lis] = true
	a.loops.Add(1)
	return true
}

func (a *Agent) end(lis net.Listener) {
	_ = lis.Close()
	a.mu.Lock()
	delete(a.listeners, lis)
	a.mu.Unlock()
	a.loops.Done()
}

func (a *Agent) hasStopped() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stopped
}

// isTemporary: net/http and grpc-go ask the same of a failed Accept.
func isTemporary(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && e.Temporary()
}

// Resume says "up" from now on.
func (a *Agent) Resume() { a.serving.Store(true) }

// CloseTraffic says "down" from now on.
func (a *Agent) CloseTraffic() { a.serving.Store(false) }

// Drain says "down" from now on.
func (a *Agent) Drain() { a.serving.Store(false) }

// Shutdown says "down" from now on.
func (a *Agent) Shutdown() { a.serving.Store(false) }

// SetReady does nothing: readiness is what Kubernetes asks for.
func (a *Agent) SetReady(bool) {}

// EndWatches does nothing: nobody watches.
func (a *Agent) EndWatches() {}
