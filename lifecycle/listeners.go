// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle/internal/handshake"
)

const (
	// handshakeGrace is what a connection gets that has not finished its handshake when GracefulStop begins.
	handshakeGrace = time.Second
	// handshakeSlack is what a handshake whose deadline has passed takes to be given up.
	handshakeSlack = 50 * time.Millisecond
)

// ofProgram is the server of a listener that the program has put beneath its own.
const ofProgram = -1

// A listener is one that is watched.
type listener struct {
	*handshake.Listener
	server int // the further ones count from 1; ofProgram
}

// WatchHandshakes wraps a listener, so that a connection that is stuck in its handshake cannot hold GracefulStop for
// longer than a second. Run does it for the listeners that it is given, where they hand out a *net.TCPConn. Call it
// before Run or Start for the listener beneath where they do not (netutil.LimitListener, cmux, PROXY protocol,
// tls.NewListener), and for that of a program that calls Serve itself:
//
//	limited := netutil.LimitListener(m.WatchHandshakes(lis), 1000)
//
// A wrapper in between has to forward SetDeadline and Close. The connections of the listener are those of
// Report.ConnectionsCut. WatchHandshakes returns lis when lis is nil.
func (m *Manager) WatchHandshakes(lis net.Listener) net.Listener {
	if lis == nil {
		return nil
	}
	return m.keepListener(listener{handshake.Watch(lis, m.unwatched, nil), ofProgram})
}

// watchListener wraps a listener that Run serves a server on.
func (m *Manager) watchListener(s Server, number int, lis net.Listener, failed chan<- error) net.Listener {
	closing := func() { m.closedByOther(lis, failed) }
	if _, ok := s.(*httpServer); ok {
		return m.keepListener(listener{handshake.Aside(lis, closing), number})
	}
	return m.keepListener(listener{handshake.Watch(lis, m.unwatched, closing), number})
}

func (m *Manager) keepListener(l listener) net.Listener {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listeners = append(m.listeners, l)
	return l.Listener
}

func (m *Manager) watched() []listener {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.listeners
}

// unwatched is called with the first connection of a listener that cannot be watched.
func (m *Manager) unwatched(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.listeners {
		if l.server == ofProgram { // it is watched beneath
			return
		}
	}
	if !m.toldUnwatched {
		m.toldUnwatched = true
		m.log.Warn("connections are not watched: one that is stuck in its handshake may hold the stop; call WatchHandshakes with the listener beneath",
			"conn", fmt.Sprintf("%T", c))
	}
}

// closedByOther is called when a listener of Run is closed, and is the first to tell that somebody else stops a server:
// its Serve returns when the last call has ended.
func (m *Manager) closedByOther(lis net.Listener, failed chan<- error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state >= Stopping {
		return
	}
	m.closedAt = time.Now()
	offer(failed, fmt.Errorf("lifecycle: serve on %s: %w", lis.Addr(), errStoppedByOther))
}

var errStoppedByOther = errors.New("the server was stopped by somebody else")

// awaitHandshakes hurries the connections that are in their handshake: until they are through, or gone, no GOAWAY is
// sent to any other. What the program watches itself is of a server that we do not know, and may
// never be closed.
func (m *Manager) awaitHandshakes(ctx context.Context, server int) {
	deadline := time.Now().Add(handshakeGrace)
	ctx, cancel := context.WithDeadline(ctx, deadline.Add(handshakeSlack))
	defer cancel()
	for _, l := range m.watched() {
		switch {
		case l.server == server:
			ended(ctx, l.Closed())
			ended(ctx, l.Hurry(deadline))
		case l.server == ofProgram && server == 0:
			ended(ctx, l.Hurry(deadline))
		}
	}
}

// openConnections returns how many are open; all is false where some are not watched.
func (m *Manager) openConnections() (n int, all bool) {
	all = true
	beneath := false
	for _, l := range m.watched() {
		open, every := l.Open()
		n, all = n+open, all && every
		beneath = beneath || l.server == ofProgram
	}
	return n, all || beneath
}
