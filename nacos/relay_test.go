// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects when a relay lets its connections go: see reconnect_test.go.

package nacos_test

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"testing"
)

// A relay stands between the SDK and a real server, so that this can be away, frozen or lost for one client.
type relay struct {
	addr   string // of the HTTP port; gRPC is +1000
	target [2]string

	mu      sync.Mutex
	conns   map[net.Conn]struct{}
	away    bool
	frozen  chan struct{} // closed when it thaws; nil: it is not frozen
	closed  bool
	serving sync.WaitGroup
}

func startRelay(t testing.TB, target string) *relay {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{conns: map[net.Conn]struct{}{}, target: [2]string{target, net.JoinHostPort(host, strconv.Itoa(number+1000))}}
	web, rpc := listenOnPair(t)
	r.addr = web.Addr().String()
	for n, lis := range []net.Listener{web, rpc} {
		r.serving.Go(func() { r.serve(lis, r.target[n]) })
	}
	t.Cleanup(func() {
		web.Close()
		rpc.Close()
		r.set(func() { r.closed = true })
		r.thaw()
		r.drop()
		r.serving.Wait()
	})
	return r
}

// listenOnPair finds two ports that are 1000 apart.
func listenOnPair(t testing.TB) (web, rpc net.Listener) {
	for range 100 {
		web, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		rpc, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", web.Addr().(*net.TCPAddr).Port+1000))
		if err == nil {
			return web, rpc
		}
		web.Close()
	}
	t.Fatal("no two ports are free that are 1000 apart")
	return nil, nil
}

func (r *relay) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *relay) serve(lis net.Listener, target string) {
	for {
		conn, err := lis.Accept()
		if err != nil {
			return
		}
		r.serving.Go(func() { r.forward(conn, target) })
	}
}

// forward takes a connection, and closes it at once while the server is away.
func (r *relay) forward(conn net.Conn, target string) {
	defer conn.Close()
	r.await()
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer server.Close()
	refused := false
	r.set(func() {
		refused = r.away || r.closed
		r.conns[conn], r.conns[server] = struct{}{}, struct{}{}
	})
	defer r.set(func() {
		delete(r.conns, conn)
		delete(r.conns, server)
	})
	if refused {
		return
	}
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{conn: server, server: conn} {
		both.Go(func() {
			_, _ = io.Copy(to, gated{r, from}) // either end may go
			to.Close()
		})
	}
	both.Wait()
}

// await blocks while the server is frozen.
func (r *relay) await() {
	var frozen chan struct{}
	r.set(func() { frozen = r.frozen })
	if frozen != nil {
		<-frozen
	}
}

// gated gives on what it has read when the server is not frozen.
type gated struct {
	*relay
	net.Conn
}

func (g gated) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	g.await()
	return n, err
}

// drop closes the connections that are open.
func (r *relay) drop() {
	r.set(func() {
		for c := range r.conns {
			c.Close()
		}
	})
}

func (r *relay) freeze() { r.set(func() { r.frozen = make(chan struct{}) }) }

func (r *relay) thaw() {
	r.set(func() {
		if r.frozen != nil {
			close(r.frozen)
		}
		r.frozen = nil
	})
}

func (r *relay) leave() {
	r.set(func() { r.away = true })
	r.drop()
}

func (r *relay) comeBack() { r.set(func() { r.away = false }) }
