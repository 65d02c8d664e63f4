// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"io"
	"log"
	"net"
	"sync"
)

// quietLog keeps net/http from writing to standard error when a fault breaks a
// connection.
var quietLog = log.New(io.Discard, "", 0)

// gate stops the server's process. The zero value is open.
type gate struct {
	mu     sync.Mutex
	frozen chan struct{} // closed at the thaw; nil while running
}

func (g *gate) freeze() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen == nil {
		g.frozen = make(chan struct{})
	}
}

func (g *gate) thaw() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.frozen != nil {
		close(g.frozen)
		g.frozen = nil
	}
}

// wait returns at once while the gate is open, else at the thaw or when done is
// closed.
func (g *gate) wait(done <-chan struct{}) {
	g.mu.Lock()
	frozen := g.frozen
	g.mu.Unlock()
	if frozen == nil {
		return
	}
	select {
	case <-frozen:
	case <-done:
	}
}

// links is a listener whose connections can be frozen, broken and cut.
type links struct {
	net.Listener
	gate *gate
	done chan struct{}
	once sync.Once

	mu   sync.Mutex
	open map[string]*link // by the client's address
}

func newLinks(l net.Listener, g *gate) *links {
	return &links{Listener: l, gate: g, done: make(chan struct{}), open: map[string]*link{}}
}

// Accept takes connections while the server is frozen too, as the kernel does.
func (l *links) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	k := &link{Conn: c, links: l, closed: make(chan struct{}), cut: make(chan struct{})}
	l.mu.Lock()
	l.open[c.RemoteAddr().String()] = k
	l.mu.Unlock()
	select {
	case <-l.done:
		_ = k.Close()
		return nil, net.ErrClosed
	default:
		return k, nil
	}
}

func (l *links) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// kill closes the listener and every connection. Servers do the second by
// themselves, but wait for handshakes first, which a freeze can hold up.
func (l *links) kill() {
	_ = l.Close()
	for _, k := range l.all() {
		_ = k.Close()
	}
}

// find returns the open connection from a client's address, or nil.
func (l *links) find(remote string) *link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open[remote]
}

// all returns the open connections.
func (l *links) all() []*link {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*link
	for _, k := range l.open {
		out = append(out, k)
	}
	return out
}

// link is one connection.
type link struct {
	net.Conn
	links *links

	closing sync.Once
	closed  chan struct{}

	cutting sync.Once
	cut     chan struct{} // closed when the network is cut: half-open from then on
}

func (k *link) Read(b []byte) (int, error) {
	n, err := k.Conn.Read(b)
	k.links.gate.wait(k.closed)
	select {
	case <-k.cut:
		<-k.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

func (k *link) Write(b []byte) (int, error) {
	k.links.gate.wait(k.closed)
	select {
	case <-k.cut:
		return len(b), nil
	default:
		return k.Conn.Write(b)
	}
}

func (k *link) Close() error {
	k.closing.Do(func() { close(k.closed) })
	k.links.mu.Lock()
	delete(k.links.open, k.RemoteAddr().String())
	k.links.mu.Unlock()
	return k.Conn.Close()
}

// sever cuts the network: both ends keep the connection, nothing passes.
func (k *link) sever() { k.cutting.Do(func() { close(k.cut) }) }

func (k *link) severed() bool {
	select {
	case <-k.cut:
		return true
	default:
		return false
	}
}
