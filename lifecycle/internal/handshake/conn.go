// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"net"
	"time"
)

// A conn reports the begin and the end of its handshake. It has no TCP_USER_TIMEOUT: grpc-go sets that on a
// *net.TCPConn only (v1.85.0, internal/syscall), by the keepalive that the server was made with, which cannot be read
// from here. A peer that is gone while data waits for it is found by keepalive, or by the kernel's retransmissions.
type conn struct {
	*net.TCPConn
	reader
	listener *Listener
	over     bool // the handshake; guarded by the listener's lock, as is closed
	closed   bool
}

func newConn(tcp *net.TCPConn, l *Listener) *conn {
	return &conn{TCPConn: tcp, listener: l}
}

// SetDeadline begins the handshake, or ends it when t is zero.
func (c *conn) SetDeadline(t time.Time) error {
	if t.IsZero() {
		c.end() // first, or a Hurry in between would leave its deadline on a connection with calls
		return c.TCPConn.SetDeadline(t)
	}
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	_, again := l.begun[c]
	switch {
	case c.over:
	case again:
		c.over = true
		delete(l.begun, c)
		l.settle()
	default:
		l.begun[c] = struct{}{}
		if !l.by.IsZero() && t.After(l.by) {
			t = l.by
		}
	}
	return c.TCPConn.SetDeadline(t)
}

func (c *conn) end() {
	l := c.listener
	l.mu.Lock()
	defer l.mu.Unlock()
	c.over = true
	delete(l.begun, c)
	l.settle()
}

// Close may be called several times.
func (c *conn) Close() error {
	c.end()
	l := c.listener
	l.mu.Lock()
	if !c.closed {
		c.closed = true
		l.open--
	}
	l.mu.Unlock()
	return c.TCPConn.Close()
}
