// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"io"
	"syscall"

	"google.golang.org/grpc/mem"
)

// A reader reads without holding a buffer while nothing comes: grpc-go would keep one of 32 KiB for each idle
// connection (grpc.ReadBufferSize). It knows how to do without for a *net.TCPConn, and for whatever has ReadOnReady
// (v1.85.0, internal/transport/readyreader). Reads are one at a time, so what one needs is kept here, and a read
// allocates nothing.
type reader struct {
	raw  syscall.RawConn
	read func(fd uintptr) bool

	size int
	pool mem.BufferPool
	buf  *[]byte
	n    int
	err  error
}

// ReadOnReady waits until there is something to read, takes a buffer of size bytes from pool and reads into it. The
// buffer is nil after an error. It must not be called concurrently.
func (c *conn) ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error) {
	r := &c.reader
	if r.raw == nil {
		raw, err := c.SyscallConn()
		if err != nil {
			return nil, 0, err
		}
		r.raw, r.read = raw, r.readNow
	}
	r.size, r.pool = size, pool
	err := r.raw.Read(r.read)
	buf, n, readErr := r.buf, r.n, r.err
	r.pool, r.buf, r.n, r.err = nil, nil, 0, nil
	switch {
	case err == nil:
		err = readErr
	case buf != nil:
		pool.Put(buf)
		buf = nil
	}
	if err == nil && n == 0 {
		pool.Put(buf)
		return nil, 0, io.EOF
	}
	return buf, n, err
}

// readNow reads once, and reports false when there is nothing to read.
func (r *reader) readNow(fd uintptr) bool {
	r.buf = r.pool.Get(r.size)
	for {
		r.n, r.err = syscall.Read(int(fd), *r.buf)
		if r.err != syscall.EINTR {
			break
		}
	}
	if r.err != nil {
		r.pool.Put(r.buf)
		r.buf, r.n = nil, 0
	}
	return r.err != syscall.EAGAIN
}
