// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"net"
	"sync"
	"testing"
	"time"
)

// accepted returns both ends of a connection through a watchedListener.
func accepted(t *testing.T) (l *watchedListener, server, client net.Conn) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = watchHandshakes(tcp)
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
	none := l.hurry(time.Now().Add(20 * time.Millisecond))
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
	l.hurry(time.Now().Add(time.Hour))
	failed := readFails(server)
	l.hurry(time.Now().Add(20 * time.Millisecond))
	l.hurry(time.Now().Add(time.Hour)) // and nothing lengthens it
	select {
	case <-failed:
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
}

// grpc-go ends the deadline of a handshake before it serves. What sets another one is a server with deadlines of its own.
func TestHurryLetsAServerWithDeadlinesOfItsOwnBe(t *testing.T) {
	l, server, client := accepted(t)
	for range 3 {
		server.SetDeadline(time.Now().Add(time.Hour))
	}
	<-l.hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil", err)
	}
}

func TestHurryLetsAGrownConnectionBe(t *testing.T) {
	l, server, client := accepted(t)
	server.SetDeadline(time.Now().Add(time.Hour))
	server.SetDeadline(time.Time{}) // through
	<-l.hurry(time.Now().Add(-time.Second))
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
	<-l.hurry(time.Now().Add(-time.Second))
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
	<-l.hurry(time.Now().Add(-time.Second))
	go client.Write([]byte{1})
	if _, err := server.Read(make([]byte, 1)); err != nil {
		t.Errorf("Read() = %v, want nil", err)
	}
}

func TestHurryHoldsForAHandshakeThatBeginsLater(t *testing.T) {
	l, server, _ := accepted(t)
	l.hurry(time.Now().Add(20 * time.Millisecond))
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
		l := watchHandshakes(tcp)
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
		none := l.hurry(time.Now())
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
	l.hurry(time.Now().Add(time.Hour))
	server.SetDeadline(time.Now().Add(20 * time.Millisecond))
	select {
	case <-readFails(server):
	case <-time.After(5 * time.Second):
		t.Fatal("Read still blocks after 5 s, want a timeout after 20 ms")
	}
}

func TestConnectionsAreCounted(t *testing.T) {
	l, server, _ := accepted(t)
	if got := l.connections(); got != 1 {
		t.Errorf("connections() = %d, want 1", got)
	}
	for range 2 { // grpc-go closes some twice
		server.Close()
		if got := l.connections(); got != 0 {
			t.Errorf("connections() = %d after Close, want 0", got)
		}
	}
}
