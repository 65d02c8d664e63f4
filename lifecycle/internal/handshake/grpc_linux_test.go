// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

// A spy keeps the connections that a listener hands out.
type spy struct {
	net.Listener
	conns chan net.Conn
}

func (s spy) Accept() (net.Conn, error) {
	c, err := s.Listener.Accept()
	if err == nil {
		s.conns <- c
	}
	return c, err
}

// idle opens n connections to a gRPC server on l, up to the end of their handshake, and returns what closes everything.
func idle(t *testing.T, l net.Listener, n int) (end func()) {
	t.Helper()
	srv := grpc.NewServer()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l)
	}()
	var clients []net.Conn
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
		// The preface and an empty SETTINGS (RFC 9113, 3.4): the server answers with its own and acknowledges.
		if _, err := io.WriteString(c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
			t.Fatal(err)
		}
		for acked := false; !acked; {
			head := make([]byte, 9)
			if _, err := io.ReadFull(c, head); err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])); err != nil {
				t.Fatal(err)
			}
			acked = head[3] == 4 && head[4]&1 == 1
		}
	}
	return func() {
		srv.Stop()
		for _, c := range clients {
			c.Close()
		}
		<-served
	}
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// grpc-go asks for ReadOnReady by an interface of an internal package (v1.85.0): this fails when it does not any more.
func TestGRPCReadsWhenThereIsSomethingToRead(t *testing.T) {
	conns := make(chan net.Conn, 1)
	end := idle(t, spy{Watch(loopback(t), nil, nil), conns}, 1)
	end()
	if c := (<-conns).(*conn); c.raw == nil {
		t.Error("grpc-go has not called ReadOnReady")
	}
}

// An idle connection costs what it costs without us. Each would hold a read buffer of 32 KiB.
func TestIdleConnectionsHoldNoBuffer(t *testing.T) {
	const n, slack = 300, 8 << 10
	heap := func(l net.Listener) int64 {
		end := idle(t, l, n)
		defer end()
		time.Sleep(200 * time.Millisecond) // readers are back at their reads
		runtime.GC()
		runtime.GC() // what a sync.Pool holds
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	heap(loopback(t)) // what is made once
	plain, watched := heap(loopback(t)), heap(Watch(loopback(t), nil, nil))
	if more := (watched - plain) / n; more > slack {
		t.Errorf("a watched idle connection takes %d bytes more than a plain one, want less than %d", more, slack)
	}
}

func TestReadOnReady(t *testing.T) {
	l, server, client := accepted(t)
	defer l.Close()
	c := server.(*conn)
	pool := mem.DefaultBufferPool()
	go client.Write([]byte("ab"))
	for got := ""; got != "ab"; {
		buf, n, err := c.ReadOnReady(16, pool)
		if err != nil {
			t.Fatalf("ReadOnReady() = %v after %q, want nil", err, got)
		}
		got += string((*buf)[:n])
		pool.Put(buf)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if buf, n, err := c.ReadOnReady(16, pool); buf != nil || n != 0 || !isTimeout(err) {
		t.Errorf("ReadOnReady() at the deadline = %v, %d, %v; want nil, 0, a timeout", buf, n, err)
	}
	c.SetReadDeadline(time.Time{})
	client.Close()
	if buf, n, err := c.ReadOnReady(16, pool); buf != nil || n != 0 || err != io.EOF {
		t.Errorf("ReadOnReady() at the end = %v, %d, %v; want nil, 0, EOF", buf, n, err)
	}
	c.Close()
	if buf, n, err := c.ReadOnReady(16, pool); buf != nil || n != 0 || err == nil {
		t.Errorf("ReadOnReady() after Close = %v, %d, %v; want nil, 0, an error", buf, n, err)
	}
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}
