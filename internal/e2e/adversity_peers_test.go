// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	testpb "google.golang.org/grpc/interop/grpc_testing"
)

// raw opens a connection, sends what is given, and falls silent once the server has taken the connection: it sends its
// SETTINGS first.
func raw(first string) func(*testing.T, *instance) {
	return func(t *testing.T, i *instance) {
		conn := i.dialRaw(t)
		if _, err := io.WriteString(conn, first); err != nil {
			t.Fatal(err)
		}
		expectFrame(t, conn, frameSettings, 0)
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

// stallTLS sends the begin of a ClientHello. The server has accepted its connection when a later one is through.
func stallTLS(t *testing.T, i *instance) {
	if _, err := io.WriteString(i.dialRaw(t), "\x16\x03\x01\x02\x00\x01"); err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", i.addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
}

// ignoreGoAway acks what must be acked, and stays. It has a call under way, and begins another one after the GOAWAY
// that names it as the last; the one before that only warns (RFC 9113, section 6.8).
func ignoreGoAway(t *testing.T, i *instance) {
	conn := i.dialRaw(t)
	i.slow <- time.Second
	if _, err := io.WriteString(conn, preface+settings+call(1, testpb.TestService_EmptyCall_FullMethodName)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan bool, 1)
	go func() { // ends with the connection
		var seen bool
		defer func() { answered <- seen }()
		for {
			f, err := readFrame(conn)
			if err != nil {
				return
			}
			switch {
			case f.kind == frameSettings && f.flags == 0:
				io.WriteString(conn, settingsAck)
			case f.kind == framePing && f.flags == 0:
				io.WriteString(conn, pingAck+f.payload)
			case f.kind == frameGoAway && !strings.HasPrefix(f.payload, everyStream):
				io.WriteString(conn, call(3, testpb.TestService_EmptyCall_FullMethodName))
			case f.kind == frameHeaders && f.flags&flagEndStream != 0:
				seen = f.stream == 1
			}
		}
	}()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	t.Cleanup(func() {
		if !<-answered || i.begun.Load() != 1 {
			t.Errorf("the call under way was not answered, or one of %d was begun after GOAWAY", i.begun.Load())
		}
	})
}
