// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"net"
	"testing"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/lifecycle"
)

const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings    = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	settingsAck = "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	framePing   = 6
)

// raw opens a connection, sends what is given, and falls silent.
func raw(first string) func(*testing.T, *instance) {
	return func(t *testing.T, i *instance) {
		conn := i.dialRaw(t)
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		if first == preface+settings {
			// Wait until the server has taken the connection: it answers with its own SETTINGS.
			if _, err := io.ReadFull(conn, make([]byte, 9)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (i *instance) dialRaw(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", i.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// ignoreGoAway acks what must be acked, and stays.
func ignoreGoAway(t *testing.T, i *instance) {
	conn := i.dialRaw(t)
	if _, err := io.WriteString(conn, preface+settings); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 9)
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Fatal(err)
	}
	go func() { // ends with the connection
		io.WriteString(conn, settingsAck)
		rest := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		for {
			body := make([]byte, rest)
			if _, err := io.ReadFull(conn, body); err != nil {
				return
			}
			if head[3] == framePing && head[4] == 0 {
				conn.Write(append([]byte{0, 0, 8, framePing, 1, 0, 0, 0, 0}, body...))
			}
			if _, err := io.ReadFull(conn, head); err != nil {
				return
			}
			rest = int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		}
	}()
}

// roundTrip makes one call on a connection of its own, so that what was sent before it has most likely arrived.
func (i *instance) roundTrip(t *testing.T) {
	t.Helper()
	for range 3 {
		if _, err := testpb.NewTestServiceClient(i.dial(t)).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHonestHandshakeAtGracefulStop: a client that is slow, and in the middle of its handshake when GracefulStop begins,
// gets through or is refused cleanly, and holds nobody up.
func TestHonestHandshakeAtGracefulStop(t *testing.T) {
	t.Parallel()
	i := startServer(t, nil, nil, quick()...)
	conn := i.dialRaw(t)
	if _, err := io.WriteString(conn, preface[:12]); err != nil {
		t.Fatal(err)
	}
	i.roundTrip(t)
	i.stop()
	i.await(t, "stopping", func() bool { return i.Status().State >= lifecycle.Stopping })
	if _, err := io.WriteString(conn, preface[12:]+settings); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 9)
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(conn, head); err != nil {
		t.Errorf("the server's first frame: %v, want SETTINGS: the handshake was in time", err)
	}
	conn.Close()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
