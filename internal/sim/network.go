// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

// An endpoint is an address in the simulated network. Both ends of a connection know which instance it leads to, so
// that a client's error can be laid at one door although a replacement may listen on the same address.
type endpoint struct {
	name     string
	instance int // 0 for the client's end
}

func (endpoint) Network() string  { return "sim" }
func (e endpoint) String() string { return e.name }

// virtualAddr is the address behind which a balancer of connections has all that listen.
const virtualAddr = "10.0.1.1:50051"

// A network connects by address, with the same latency in each direction.
type network struct {
	latency time.Duration

	mu        sync.Mutex
	listeners map[string]*listener
	last      map[string]int // the instance that was the last to listen
	turn      int            // of the balancer
}

func newNetwork(latency time.Duration) *network {
	return &network{latency: latency, listeners: map[string]*listener{}, last: map[string]int{}}
}

// listen fails when somebody else still listens on the address.
func (n *network) listen(at endpoint, onClose func()) (*listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners[at.name] != nil {
		return nil, fmt.Errorf("sim: listen on %s: %w", at, syscall.EADDRINUSE)
	}
	l := &listener{network: n, at: at, backlog: make(chan *conn, 256), closed: make(chan struct{}), onClose: onClose}
	n.listeners[at.name], n.last[at.name] = l, at.instance
	return l, nil
}

// dial is refused where nobody listens, with an error that names the instance which was the last to: a channel may tell
// its calls of a refusal that is long over, when another one has taken the address.
func (n *network) dial(ctx context.Context, addr string) (net.Conn, error) {
	if !sleep(ctx, 2*n.latency) {
		return nil, context.Cause(ctx)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	l := n.listeners[addr]
	if addr == virtualAddr {
		l = n.balance()
	}
	if l == nil {
		was := endpoint{name: fmt.Sprintf("%s#%d", addr, n.last[addr])}
		return nil, &net.OpError{Op: "dial", Net: "sim", Addr: was, Err: syscall.ECONNREFUSED}
	}
	up, down := newHalf(n.latency), newHalf(n.latency)
	client := &conn{read: down, write: up, local: endpoint{name: "client"}, remote: l.at}
	l.backlog <- &conn{read: up, write: down, local: l.at, remote: client.local}
	return client, nil
}

// balance takes the listeners in turn. It is called with the lock held.
func (n *network) balance() *listener {
	if len(n.listeners) == 0 {
		return nil
	}
	n.turn++
	addrs := slices.Sorted(maps.Keys(n.listeners))
	return n.listeners[addrs[n.turn%len(addrs)]]
}

// A listener has a backlog, as the kernel's has: closing it resets whoever waits there.
type listener struct {
	network *network
	at      endpoint
	backlog chan *conn
	closed  chan struct{}
	onClose func()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.backlog:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	if l.network.listeners[l.at.name] != l {
		return net.ErrClosed
	}
	delete(l.network.listeners, l.at.name)
	close(l.closed)
	for len(l.backlog) > 0 {
		(<-l.backlog).Close()
	}
	l.onClose()
	return nil
}

func (l *listener) Addr() net.Addr { return l.at }

// sleep waits for d and reports whether ctx let it.
func sleep(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
