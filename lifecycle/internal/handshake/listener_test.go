// SPDX-License-Identifier: Apache-2.0

package handshake

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// accepted returns both ends of a connection through a Listener.
func accepted(t *testing.T) (l *Listener, server, client net.Conn) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = Watch(tcp, nil, nil)
	t.Cleanup(func() { l.Close() })
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return l, server, client
}

func readFails(c net.Conn) <-chan error {
	failed := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		failed <- err
	}()
	return failed
}

func TestHurryEndsAHandshakeThatIsStuck(t *testing.T) {
	l, server, _ := accepted(t)
	server.SetDeadline(time.Now().Add(time.Hour)) // the handshake begins
	failed := readFails(server)
	none := l.Hurry(time.Now().Add(20 * time.Millisecond))
	select {
	case err := <-failed:
		if nerr, ok := err.(net.Error); !ok || !nerr.Timeout() {
			t.Errorf("Read() = %v, want a timeout", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
	server.Close()
	<-none
}

// The end of the budget is earlier than what was given first.
func TestHurryAgainShortens(t *testing.T) {
	l, server, _ := accepted(t)
	server.SetDeadline(time.Now().Add(time.Hour))
	l.Hurry(time.Now().Add(time.Hour))
	failed := readFails(server)
	l.Hurry(time.Now().Add(20 * time.Millisecond))
	l.Hurry(time.Now().Add(time.Hour)) // and nothing lengthens it
	select {
	case <-failed:
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
}

// grpc-go ends the deadline of a handshake before it serves. What sets another one is a server with deadlines of its
// own.
func TestHurryLetsAServerWithDeadlinesOfItsOwnBe(t *testing.T) {
	l, server, client := accepted(t)
	for range 3 {
		server.SetDeadline(time.Now().Add(time.Hour))
	}
	<-l.Hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil", err)
	}
}

func TestHurryLetsAGrownConnectionBe(t *testing.T) {
	l, server, client := accepted(t)
	server.SetDeadline(time.Now().Add(time.Hour))
	server.SetDeadline(time.Time{}) // through
	<-l.Hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil: the deadline is for handshakes", err)
	}
}

// A server that sets no deadline of both ways, like net/http's, has no handshake that could be watched.
func TestHurryLetsAConnectionWithoutDeadlinesBe(t *testing.T) {
	l, server, client := accepted(t)
	server.SetReadDeadline(time.Now().Add(time.Hour))
	server.SetReadDeadline(time.Time{})
	<-l.Hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil: no handshake has begun", err)
	}
}

// What a program does to its connection later, after it has hijacked it for example, is not a handshake.
func TestHurryKnowsTheFirstDeadlineOnly(t *testing.T) {
	l, server, client := accepted(t)
	server.SetDeadline(time.Time{})
	server.SetDeadline(time.Now().Add(time.Hour))
	<-l.Hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil", err)
	}
}

func TestHurryHoldsForAHandshakeThatBeginsLater(t *testing.T) {
	l, server, _ := accepted(t)
	l.Hurry(time.Now().Add(20 * time.Millisecond))
	server.SetDeadline(time.Now().Add(time.Hour))
	select {
	case <-readFails(server):
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
}

// A handshake that ends while hurry sets deadlines must not keep one.
func TestHurryAsHandshakesEnd(t *testing.T) {
	const n = 200
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	for range 5 {
		l := Watch(tcp, nil, nil)
		var servers, clients [n]net.Conn
		for i := range n {
			if clients[i], err = net.Dial("tcp", l.Addr().String()); err != nil {
				t.Fatal(err)
			}
			if servers[i], err = l.Accept(); err != nil {
				t.Fatal(err)
			}
			servers[i].SetDeadline(time.Now().Add(time.Hour))
		}
		var ending sync.WaitGroup
		for _, s := range servers {
			ending.Go(func() { s.SetDeadline(time.Time{}) })
		}
		none := l.Hurry(time.Now())
		ending.Wait()
		<-none
		var reading sync.WaitGroup
		for i := range n {
			reading.Go(func() {
				clients[i].Write([]byte{1})
				if _, err := servers[i].Read(make([]byte, 1)); err != nil {
					t.Errorf("Read() = %v, want nil: the handshake is over", err)
				}
				servers[i].Close()
				clients[i].Close()
			})
		}
		reading.Wait()
	}
}

// A handshake has a deadline of its own, which may be the earlier one.
func TestHurryLengthensNothing(t *testing.T) {
	l, server, _ := accepted(t)
	l.Hurry(time.Now().Add(time.Hour))
	server.SetDeadline(time.Now().Add(20 * time.Millisecond))
	select {
	case <-readFails(server):
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
}

func open(l *Listener) int {
	n, _ := l.Open()
	return n
}

func TestConnectionsAreCounted(t *testing.T) {
	l, server, _ := accepted(t)
	if got := open(l); got != 1 {
		t.Errorf("Open() = %d, want 1", got)
	}
	for range 2 { // grpc-go closes some twice
		server.Close()
		if got := open(l); got != 0 {
			t.Errorf("Open() = %d after Close, want 0", got)
		}
	}
}

// A listener that hands out something else is not watched, and says so once.
func TestUnwatchedConnections(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	l := Watch(wrapping{tcp}, func(c net.Conn) { said = append(said, fmt.Sprintf("%T", c)) }, nil)
	defer l.Close()
	for range 2 {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		if _, ok := server.(wrapped); !ok {
			t.Errorf("Accept() = %T, want what the listener has handed out", server)
		}
	}
	if n, all := l.Open(); n != 0 || all || !slices.Equal(said, []string{"handshake.wrapped"}) {
		t.Errorf("Open() = %d, %t, said %q; want 0, false, and one word", n, all, said)
	}
}

type (
	wrapping struct{ net.Listener }
	wrapped  struct{ net.Conn }
)

func (w wrapping) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	return wrapped{c}, err
}

// Who closes the listener is noticed, but not a server that gives up because Accept has failed.
func TestClosing(t *testing.T) {
	for _, fails := range []bool{false, true} {
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		closings := 0
		l := Watch(tcp, nil, func() { closings++ })
		if fails {
			tcp.Close()
			if _, err := l.Accept(); err == nil {
				t.Error("Accept() of a closed listener = nil, want an error")
			}
		}
		accepting := make(chan struct{})
		go func() { // fails because of Close, which is no failure of its own
			defer close(accepting)
			l.Accept()
		}()
		time.Sleep(10 * time.Millisecond)
		l.Close()
		<-accepting
		l.Close()
		<-l.Closed()
		if want := map[bool]int{false: 1, true: 0}[fails]; closings != want {
			t.Errorf("Accept failed before: %t; closing was called %d times, want %d", fails, closings, want)
		}
	}
}
