// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// An endpoint is an address in the simulated network. Both ends of a connection know which instance it leads to, so
// that a client's error can be laid at one door although a replacement may listen on the same address.
type endpoint struct {
	name     string
	instance int // 0 for the client's end
}

func (endpoint) Network() string  { return "sim" }
func (e endpoint) String() string { return e.name }

// A network connects by address, with the same latency in each direction.
type network struct {
	latency time.Duration

	mu        sync.Mutex
	listeners map[string]*listener
}

func newNetwork(latency time.Duration) *network {
	return &network{latency: latency, listeners: map[string]*listener{}}
}

// listen fails when somebody else still listens on the address.
func (n *network) listen(at endpoint, onClose func()) (*listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[at.name] != nil {
		return nil, fmt.Errorf("sim: listen on %s: %w", at, syscall.EADDRINUSE)
	}
	l := &listener{network: n, at: at, backlog: make(chan *conn, 256), closed: make(chan struct{}), onClose: onClose}
	n.listeners[at.name] = l
	return l, nil
}

func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	if !sleep(ctx, 2*n.latency) {
		return nil, context.Cause(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[addr]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: "sim", Addr: endpoint{name: addr}, Err: syscall.ECONNREFUSED}
	}
	up, down := newHalf(n.latency), newHalf(n.latency)
	client := &conn{read: down, write: up, local: endpoint{name: "client"}, remote: l.at}
	l.backlog <- &conn{read: up, write: down, local: l.at, remote: client.local}
	return client, nil
}

// A listener has a backlog, as the kernel's has: closing it resets whoever waits there.
type listener struct {
	network *network
	at      endpoint
	backlog chan *conn
	closed  chan struct{}
	onClose func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.network.listeners[l.at.name] != l {
		return net.ErrClosed
	}
	delete(l.network.listeners, l.at.name)
	close(l.closed)
	for len(l.backlog) > 0 {
		(<-l.backlog).Close()
	}
	l.onClose()
	return nil
}

func (l *listener) Addr() net.Addr { return l.at }

// A conn is one end of a connection.
type conn struct {
	read, write   *half
	local, remote endpoint
}

func (c *conn) Read(b []byte) (int, error)  { return c.read.take(b) }
func (c *conn) Write(b []byte) (int, error) { return c.write.put(b) }
func (c *conn) LocalAddr() net.Addr         { return c.local }
func (c *conn) RemoteAddr() net.Addr        { return c.remote }

// Close lets what was written arrive, and the end after it.
func (c *conn) Close() error {
	c.read.abandon()
	c.write.finish()
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *conn) SetReadDeadline(t time.Time) error { c.read.expire(t); return nil }
func (c *conn) SetWriteDeadline(time.Time) error  { return nil } // writing never blocks

// A half carries bytes one way. It holds as much as is written: HTTP/2 has its own windows.
type half struct {
	latency time.Duration

	mu       sync.Mutex
	changed  sync.Cond
	waiting  []parcel
	finished bool // the writer has closed
	gone     bool // the reader has closed
	deadline time.Time
	timer    *time.Timer
}

type parcel struct {
	at    time.Time
	bytes []byte // nil is the end
}

func newHalf(latency time.Duration) *half {
	h := &half{latency: latency}
	h.changed.L = &h.mu
	return h
}

func (h *half) wake() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changed.Broadcast()
}

func (h *half) take(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for {
		now := time.Now()
		switch {
		case h.gone:
			return 0, net.ErrClosed
		case len(h.waiting) > 0 && !now.Before(h.waiting[0].at):
			if h.waiting[0].bytes == nil {
				return 0, io.EOF
			}
			n := copy(b, h.waiting[0].bytes)
			if h.waiting[0].bytes = h.waiting[0].bytes[n:]; len(h.waiting[0].bytes) == 0 {
				h.waiting = h.waiting[1:]
			}
			return n, nil
		case !h.deadline.IsZero() && !now.Before(h.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		h.changed.Wait()
	}
}

func (h *half) put(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.finished:
		return 0, net.ErrClosed
	case h.gone:
		return 0, syscall.EPIPE
	case len(b) > 0:
		h.send(append([]byte(nil), b...))
	}
	return len(b), nil
}

// send is called with the lock held.
func (h *half) send(b []byte) {
	h.waiting = append(h.waiting, parcel{time.Now().Add(h.latency), b})
	if h.latency == 0 {
		h.changed.Broadcast()
		return
	}
	time.AfterFunc(h.latency, h.wake)
}

func (h *half) finish() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.finished {
		h.finished = true
		h.send(nil)
	}
}

func (h *half) abandon() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = true
	h.changed.Broadcast()
}

func (h *half) expire(t time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deadline = t
	if h.timer != nil {
		h.timer.Stop()
	}
	if !t.IsZero() {
		h.timer = time.AfterFunc(time.Until(t), h.wake)
	}
}

// sleep waits for d and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
