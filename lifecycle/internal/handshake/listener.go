// SPDX-License-Identifier: Apache-2.0

// Package handshake knows which connections of a listener are in their handshake, and can hurry them.
//
// GracefulStop and Stop of grpc-go both wait for connections in their handshake before anything else, for as long as
// grpc.ConnectionTimeout says (120 s by default): a port scanner, a TCP probe that stays open or a stalled TLS client
// is enough. grpc-go puts the handshake, TLS and HTTP/2 preface, between two calls of SetDeadline on the connection
// that the listener has handed out, the second one with the zero time (v1.85.0, server.go, handleRawConn). A wrapper
// that forwards SetDeadline and Close, as LimitListener, cmux and the PROXY protocol have them, may lie in between. A
// server that does not call SetDeadline, or that sets one deadline after the other, is left alone: ours would cut its
// calls.
package handshake

import (
	"net"
	"sync"
	"time"
)

// A Listener watches the connections that it hands out, if they are a *net.TCPConn: what else a listener hands out may
// be more than a net.Conn. All methods are safe for concurrent use.
type Listener struct {
	net.Listener
	aside     bool // connections are left alone
	unwatched func(net.Conn)
	closing   func()

	mu      sync.Mutex
	open    int                // connections that nobody has closed
	begun   map[*conn]struct{} // those in their handshake
	by      time.Time          // once set, the deadline of all handshakes
	none    chan struct{}      // closed when by is set and no handshake is under way
	foreign bool               // a connection was handed out that is not watched
	failed  bool               // Accept has returned an error while the listener was open

	close  sync.Once
	closed chan struct{}
}

// Watch wraps a listener. unwatched is called with the first connection that cannot be watched; closing once, when
// somebody closes the listener, after that, unless Accept has failed before: then the server gives up by itself. Either
// may be nil.
func Watch(l net.Listener, unwatched func(net.Conn), closing func()) *Listener {
	return &Listener{
		Listener: l, unwatched: unwatched, closing: closing,
		begun: map[*conn]struct{}{}, none: make(chan struct{}), closed: make(chan struct{}),
	}
}

// Aside wraps a listener whose connections are left alone, for a server that looks after its own handshakes: net/http.
func Aside(l net.Listener, closing func()) *Listener {
	aside := Watch(l, nil, closing)
	aside.aside = true
	return aside
}

// Close is the first thing that GracefulStop does: what is accepted after it is turned away at once.
func (l *Listener) Close() error {
	l.mu.Lock()
	failed := l.failed // before Accept fails because of us
	l.mu.Unlock()
	defer l.close.Do(func() {
		close(l.closed)
		if l.closing != nil && !failed {
			l.closing()
		}
	})
	return l.Listener.Close()
}

// Closed returns a channel that is closed once Close was called.
func (l *Listener) Closed() <-chan struct{} { return l.closed }

// Accept returns a connection that is watched where it can be.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = true
		return c, err
	}
	if l.aside {
		return c, nil
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		l.open++
		return newConn(tcp, l), nil
	}
	if !l.foreign && l.unwatched != nil {
		l.unwatched(c)
	}
	l.foreign = true
	return c, nil
}

// Open returns how many connections are open; all is false when there were some that are not watched.
func (l *Listener) Open() (n int, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open, !l.foreign
}

// Hurry gives the handshakes that are under way, and those that begin later, until deadline; a second call may shorten
// that. The returned channel is closed when none is under way.
func (l *Listener) Hurry(deadline time.Time) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by.IsZero() || deadline.Before(l.by) {
		l.by = deadline
		for c := range l.begun {
			_ = c.TCPConn.SetDeadline(deadline) // a closed connection is as good as a finished one
		}
		l.settle()
	}
	return l.none
}

// settle is called with the lock held.
func (l *Listener) settle() {
	if !l.by.IsZero() && len(l.begun) == 0 {
		select {
		case <-l.none:
		default:
			close(l.none)
		}
	}
}
