// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
)

// TestHonestHandshakeAtGracefulStop: a client that is slow, and in the middle of its handshake when GracefulStop
// begins, gets through, is sent GOAWAY like any other, and holds nobody up.
func TestHonestHandshakeAtGracefulStop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server []grpc.ServerOption
		begin  func(*testing.T, *instance) (finish func() net.Conn)
	}{
		"plain": {nil, beginPlain},
		"TLS":   {[]grpc.ServerOption{grpc.Creds(selfSigned(t))}, beginTLS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := startServer(t, nil, test.server, quick()...)
			finish := test.begin(t, i)
			i.stop()
			i.await(t, "closed", func() bool { // the first thing that GracefulStop does
				conn, err := net.Dial("tcp", i.addr)
				if err == nil {
					conn.Close()
				}
				return errors.Is(err, syscall.ECONNREFUSED)
			})
			began := time.Now()
			conn := finish()
			if err := conn.SetReadDeadline(began.Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			expectFrame(t, conn, frameSettings, flagAck)
			expectFrame(t, conn, frameGoAway, 0)
			conn.Close()
			if err := i.finish(t); err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("Run returned %v after the handshake, want at once", took)
			}
		})
	}
}

// beginPlain sends half the preface.
func beginPlain(t *testing.T, i *instance) (finish func() net.Conn) {
	conn := i.dialRaw(t)
	if _, err := io.WriteString(conn, preface[:12]); err != nil {
		t.Fatal(err)
	}
	expectFrame(t, conn, frameSettings, 0)
	return func() net.Conn {
		if _, err := io.WriteString(conn, preface[12:]+settings); err != nil {
			t.Errorf("the rest of the preface: %v, want time for it", err)
		}
		return conn
	}
}

// beginTLS stops when the server has answered the ClientHello.
func beginTLS(t *testing.T, i *instance) (finish func() net.Conn) {
	halting := &haltingConn{Conn: i.dialRaw(t), heard: make(chan struct{}), release: make(chan struct{})}
	conn := tls.Client(halting, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	done := make(chan error, 1)
	go func() { done <- conn.HandshakeContext(t.Context()) }()
	<-halting.heard
	return func() net.Conn {
		close(halting.release)
		if err := <-done; err != nil {
			t.Errorf("the TLS handshake: %v, want time for it", err)
		}
		if _, err := io.WriteString(conn, preface+settings); err != nil {
			t.Errorf("the preface: %v, want time for it", err)
		}
		return conn
	}
}

// A haltingConn sends nothing more, once it has heard something, until it is released.
type haltingConn struct {
	net.Conn
	once           sync.Once
	heard, release chan struct{}
}

func (c *haltingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.once.Do(func() { close(c.heard) })
	}
	return n, err
}

func (c *haltingConn) Write(b []byte) (int, error) {
	select {
	case <-c.heard:
		<-c.release
	default:
	}
	return c.Conn.Write(b)
}
