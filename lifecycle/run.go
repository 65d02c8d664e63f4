// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Run serves on lis, announces the instance, waits for a trigger and shuts down: it is Serve, Start and Shutdown in
// this order and nothing that they do not do. Call it where Serve was called.
//
// The triggers are the end of ctx, a signal of WithSignals, Shutdown or Force called by somebody else, an operator's
// offline with Exit, a server whose Serve returns or whose listener somebody else closes, and a registration that did
// not succeed within WithRegisterTimeout, or cannot. The last two are errors of Run, also when a server fails on the
// way out, before GracefulStop. After a clean offline Run returns nil, also when ctx was cancelled; see Shutdown for
// what it returns otherwise, and ExitCode for what a process should make of it. It returns within the budget and one
// second more after the trigger, whatever happens.
//
// The instance is registered under the address of the first of lis that has a host and a port. Run owns the listeners,
// those of WithServer too, and closes them. A Manager runs once; what is wrong with its options is an error before
// anything is served. A second Run, or one after Start, is an error that leaves its listeners alone: they may be in
// use.
//
// The connections of a *net.TCPListener are watched, so that one that is stuck in its handshake cannot hold
// GracefulStop for longer than a second; for listeners that hand out something else see WatchHandshakes. A watched
// connection has no TCP_USER_TIMEOUT (grpc-go v1.85.0 sets it on a *net.TCPConn only): a peer that has gone while data
// waits for it is found by keepalive, or by the kernel's retransmissions. On systems other than Linux it keeps a read
// buffer of grpc.ReadBufferSize while it is idle, as grpc-go itself does there.
func (m *Manager) Run(ctx context.Context, lis ...net.Listener) error {
	servers, err := m.claim(lis)
	if err != nil {
		return err
	}
	signals, stopSignals := m.notify()
	defer stopSignals()

	failed := make(chan error, 1)
	var serving sync.WaitGroup
	m.serveAdmins()
	m.serveOn(servers, &serving, failed)
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	serving.Go(func() {
		err := m.start(starting, published(servers[0].listeners), true)
		if err != nil && starting.Err() == nil && !errors.Is(err, ErrStopping) {
			offer(failed, err)
		}
	})

	trigger, force, cause := m.awaitTrigger(ctx, signals, failed)
	cancel()
	end := kindShutdown
	if cause != nil {
		end = kindExit
	}
	o := m.beginShutdown(context.WithoutCancel(ctx), trigger, end)
	if force {
		m.Force()
	}
	for over := false; !over; {
		select {
		case <-o.done:
			over = true
		case err := <-failed: // a lame duck has to serve as well
			cause = errors.Join(cause, err)
		case sig := <-signals.c:
			m.during(signals, sig)
		}
	}
	if !within(lastWait, serving.Wait) {
		o.abandon("Serve")
		cause = errors.Join(cause, fmt.Errorf("lifecycle: Serve has not returned within %v after the stop", lastWait))
	}
	<-o.adminsStopped // soon: it waits for nothing long
	select {
	case err := <-failed:
		cause = errors.Join(cause, err)
	default:
	}
	return errors.Join(cause, o.err)
}

// published is the address that is registered: that of the first listener that has a host and a port.
func published(listeners []net.Listener) net.Addr {
	for _, l := range listeners {
		if _, _, err := net.SplitHostPort(l.Addr().String()); err == nil {
			return l.Addr()
		}
	}
	return listeners[0].Addr()
}

// serveOn serves every server on its listeners, until it is told to stop.
func (m *Manager) serveOn(servers []served, serving *sync.WaitGroup, failed chan<- error) {
	for n, s := range servers {
		for _, l := range s.listeners {
			l = m.watchListener(s.server, n, l, failed)
			serving.Go(func() {
				err := s.server.Serve(l)
				if m.stopping() {
					return // it was told to, or somebody else was, which the listener has said
				}
				if err == nil {
					err = errStoppedByOther
				}
				offer(failed, fmt.Errorf("lifecycle: serve on %s: %w", l.Addr(), err))
			})
		}
	}
}

func (m *Manager) stopping() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state >= Stopping || !m.closedAt.IsZero()
}

// awaitTrigger blocks until the instance has a reason to go; force is set when it is one that leaves no time, err when
// it is a failure.
func (m *Manager) awaitTrigger(ctx context.Context, signals *signalReader, failed <-chan error) (trigger string, force bool, err error) {
	select {
	case <-m.begun:
		return "shutdown", false, nil
	case sig := <-signals.c:
		return "signal " + sig.String(), signals.read(sig), nil
	case err := <-failed:
		return "failure", false, err
	case <-ctx.Done():
		return "context: " + context.Cause(ctx).Error(), false, nil
	}
}

// claim makes this Run the only one, and closes the listeners when it may not serve them. Those of a Run that comes
// second may be in use.
func (m *Manager) claim(lis []net.Listener) ([]served, error) {
	servers := append([]served{{m.server, lis}}, m.servers...)
	err := errors.Join(m.check(), checkListeners("server", servers), checkListeners("admin server", m.admins))
	m.mu.Lock()
	inUse := m.running || m.started
	switch {
	case m.shutdown != nil:
		err = fmt.Errorf("lifecycle: run: %w", ErrStopping)
	case m.running:
		err = errors.New("lifecycle: run: Run was called twice")
	case m.started:
		err = errors.New("lifecycle: run: Start was called before")
	}
	m.running = m.running || err == nil
	m.mu.Unlock()
	if err == nil {
		return servers, nil
	}
	if !inUse {
		within(lastWait, func() { // a Close may hang, or look at the Manager
			for _, s := range servers {
				closeAll(s.listeners)
			}
			closeAll(m.adminListeners())
		})
	}
	return nil, err
}

func checkListeners(what string, servers []served) error {
	for i, s := range servers {
		if len(s.listeners) == 0 {
			return fmt.Errorf("lifecycle: run: %s %d has no listener", what, i+1)
		}
		for j, l := range s.listeners {
			if l == nil {
				return fmt.Errorf("lifecycle: run: listener %d of %s %d is nil", j+1, what, i+1)
			}
		}
	}
	return nil
}

func closeAll(lis []net.Listener) {
	for _, l := range lis {
		if l != nil {
			l.Close()
		}
	}
}

// offer keeps the first error only.
func offer(c chan<- error, err error) {
	select {
	case c <- err:
	default:
	}
}

// within calls f on a goroutine of its own and waits for it, but no longer than d. It reports whether f has returned;
// if not, f is abandoned.
func within(d time.Duration, f func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}
