// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"
)

// Run serves on lis, announces the instance, waits for a trigger and shuts down: it is Serve, Start and Shutdown in
// this order and nothing that they do not do. Call it where Serve was called.
//
// The triggers are the end of ctx, a signal of WithSignals, Shutdown or Force called by somebody else, an operator's
// offline with Exit, a server whose Serve fails, and a registration that did not succeed within WithRegisterTimeout.
// The last two are errors of Run. After a clean offline Run returns nil, also when ctx was cancelled; see Shutdown for
// what it returns otherwise. It returns within the budget and one second more after the trigger, whatever happens.
//
// The instance is registered under the address of the first listener. Run owns the listeners and closes them. A
// Manager runs once; what is wrong with its options is an error before anything is served.
func (m *Manager) Run(ctx context.Context, lis ...net.Listener) error {
	servers, err := m.claim(lis)
	if err != nil {
		closeAll(lis)
		return err
	}
	signals, stopSignals := m.notify()
	defer stopSignals()

	failed := make(chan error, 1)
	var serving sync.WaitGroup
	for _, s := range servers {
		for _, l := range s.listeners {
			l := m.watchHandshakes(l)
			serving.Go(func() {
				if err := s.server.Serve(l); err != nil {
					offer(failed, fmt.Errorf("lifecycle: serve on %s: %w", l.Addr(), err))
				}
			})
		}
	}
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	serving.Go(func() {
		if err := m.Start(starting, servers[0].listeners[0].Addr()); err != nil && starting.Err() == nil && !errors.Is(err, ErrStopping) {
			offer(failed, err)
		}
	})

	trigger, cause := m.awaitTrigger(ctx, signals, failed)
	cancel()
	o := m.beginShutdown(context.WithoutCancel(ctx), trigger)
	for over := false; !over; {
		select {
		case <-o.done:
			over = true
		case <-signals:
			m.Force()
		}
	}
	within(serveWait, serving.Wait)
	return errors.Join(cause, o.err)
}

// watchHandshakes wraps a listener, so that a connection that is stuck in its handshake does not hold the stop.
func (m *Manager) watchHandshakes(l net.Listener) net.Listener {
	watched := watchHandshakes(l)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = append(m.listeners, watched)
	return watched
}

// awaitTrigger blocks until the instance has a reason to go; err is set when the reason is a failure.
func (m *Manager) awaitTrigger(ctx context.Context, signals <-chan os.Signal, failed <-chan error) (trigger string, err error) {
	select {
	case <-m.begun:
		return "shutdown", nil
	case sig := <-signals:
		return "signal " + sig.String(), nil
	case err := <-failed:
		select {
		case <-m.begun: // a server that was stopped says so by returning
			return "shutdown", nil
		default:
			return "failure", err
		}
	case <-ctx.Done():
		return "context: " + context.Cause(ctx).Error(), nil
	}
}

// claim makes this Run the only one.
func (m *Manager) claim(lis []net.Listener) ([]served, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	servers := append([]served{{m.server, lis}}, m.servers...)
	for i, s := range servers {
		if len(s.listeners) == 0 {
			return nil, fmt.Errorf("lifecycle: run: server %d has no listener", i+1)
		}
		for j, l := range s.listeners {
			if l == nil {
				return nil, fmt.Errorf("lifecycle: run: listener %d of server %d is nil", j+1, i+1)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.shutdown != nil:
		return nil, fmt.Errorf("lifecycle: run: %w", ErrStopping)
	case m.running:
		return nil, errors.New("lifecycle: run: Run was called twice")
	}
	m.running = true
	return servers, nil
}

// notify subscribes to the signals; os/signal is not touched unless somebody asked for it.
func (m *Manager) notify() (<-chan os.Signal, func()) {
	if m.signalled != nil {
		return m.signalled, func() {}
	}
	if len(m.signals) == 0 {
		return nil, func() {}
	}
	c := make(chan os.Signal, 2)
	signal.Notify(c, m.signals...)
	return c, func() { signal.Stop(c) }
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
