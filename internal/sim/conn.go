// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

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
func (c *conn) SetWriteDeadline(time.Time) error  { return nil } // a write ends with the connection

// window is how much may be on its way before a write waits.
const window = 8 << 10

// A half carries bytes one way.
type half struct {
	latency time.Duration

	mu       sync.Mutex
	changed  sync.Cond
	waiting  []parcel
	held     int  // bytes
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
			h.held -= n
			h.changed.Broadcast()
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
	for h.held > window && !h.finished && !h.gone {
		h.changed.Wait()
	}
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
	h.held += len(b)
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
		h.changed.Broadcast()
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
