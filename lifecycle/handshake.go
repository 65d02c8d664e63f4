// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"net"
	"sync"
	"time"
)

// handshakeGrace is what a connection gets that has not finished its handshake when GracefulStop begins.
const handshakeGrace = time.Second

// A watchedListener knows which of its connections are in their handshake. GracefulStop and Stop both wait for those
// before anything else, for as long as grpc.ConnectionTimeout says (120 s by default): a port scanner, a TCP probe that
// stays open or a stalled TLS client is enough.
//
// grpc-go puts the handshake, TLS and HTTP/2 preface, between two calls of SetDeadline on the raw connection, the
// second one with the zero time (v1.85.0, server.go, handleRawConn). A server that does not call it, or that sets one
// deadline after the other, is left alone: ours would cut its calls. Only a *net.TCPConn is wrapped: what else a
// listener hands out may be more than a net.Conn.
type watchedListener struct {
	net.Listener
	server int // the further ones count from 1

	mu     sync.Mutex
	open   int                     // connections that nobody has closed
	young  map[*youngConn]struct{} // those in their handshake
	hasten time.Time               // once set, the deadline of all of them
	none   chan struct{}           // closed when hasten is set and none is left

	close  sync.Once
	closed chan struct{}
}

func watchHandshakes(l net.Listener) *watchedListener {
	return &watchedListener{Listener: l, young: map[*youngConn]struct{}{}, none: make(chan struct{}), closed: make(chan struct{})}
}

// Close is the first thing that GracefulStop does: what is accepted after it is turned away at once.
func (l *watchedListener) Close() error {
	defer l.close.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *watchedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	tcp, ok := c.(*net.TCPConn)
	if err != nil || !ok {
		return c, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	return &youngConn{TCPConn: tcp, listener: l}, nil
}

// connections returns how many are open.
func (l *watchedListener) connections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// hurry gives the handshakes that are under way until deadline; a second call may shorten that. The returned channel
// is closed when none is left.
func (l *watchedListener) hurry(deadline time.Time) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hasten.IsZero() || deadline.Before(l.hasten) {
		l.hasten = deadline
		for y := range l.young {
			_ = y.TCPConn.SetDeadline(deadline) // a closed connection is as good as a finished one
		}
		l.settle()
	}
	return l.none
}

// settle is called with the lock held.
func (l *watchedListener) settle() {
	if !l.hasten.IsZero() && len(l.young) == 0 {
		select {
		case <-l.none:
		default:
			close(l.none)
		}
	}
}

func (l *watchedListener) grow(y *youngConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	y.grown = true
	delete(l.young, y)
	l.settle()
}

// lose is called when y is closed, which may happen several times.
func (l *watchedListener) lose(y *youngConn) {
	l.grow(y)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !y.closed {
		y.closed = true
		l.open--
	}
}

// A youngConn reports the begin and the end of its handshake.
type youngConn struct {
	*net.TCPConn
	listener *watchedListener
	grown    bool // guarded by the listener's lock, as is closed
	closed   bool
}

// SetDeadline begins the handshake, or ends it when t is zero.
func (y *youngConn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		y.listener.grow(y) // first, or a hurry in between would leave its deadline on a connection with calls
		return y.TCPConn.SetDeadline(t)
	}
	l := y.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	_, again := l.young[y]
	switch {
	case y.grown:
	case again:
		y.grown = true
		delete(l.young, y)
		l.settle()
	default:
		l.young[y] = struct{}{}
		if !l.hasten.IsZero() && t.After(l.hasten) {
			t = l.hasten
		}
	}
	return y.TCPConn.SetDeadline(t)
}

func (y *youngConn) Close() error {
	y.listener.lose(y)
	return y.TCPConn.Close()
}
