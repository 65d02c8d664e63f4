// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/resolver"
)

var errNoInstance = errors.New("sim: no instance is listed")

// balanced is one channel with a balancer of grpc-go.
type balanced struct{ conn *grpc.ClientConn }

func newBalanced(n *network, v *view, config string, options ...grpc.DialOption) balanced {
	return balanced{dial(n, "sim:///service", append(options, grpc.WithResolvers(builder{v}), grpc.WithDefaultServiceConfig(config))...)}
}

func (b balanced) take(int) (*grpc.ClientConn, func()) { return b.conn, func() {} }
func (b balanced) close()                              { b.conn.Close() }

// newPinned is a channel to every address that was ever listed. An address that it has found gone may be back, and a
// backoff of minutes would be the client's own loss. (ResetConnectBackoff at each news would be nearer, and is a data
// race with the balancer in grpc-go 1.85.)
func newPinned(n *network, v *view) balanced {
	return newBalanced(n, v, serviceConfigs[RoundRobin], grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1, MaxDelay: 200 * time.Millisecond},
		MinConnectTimeout: 20 * time.Second,
	}))
}

// A builder makes resolvers that hand on what a view learns.
type builder struct{ view *view }

func (builder) Scheme() string { return "sim" }

func (b builder) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	r := &viewResolver{closed: make(chan struct{}), over: make(chan struct{})}
	go r.run(b.view, cc)
	return r, nil
}

type viewResolver struct{ closed, over chan struct{} }

func (r *viewResolver) run(v *view, cc resolver.ClientConn) {
	defer close(r.over)
	for {
		list, changed := v.look()
		var state resolver.State
		for _, addr := range list {
			state.Addresses = append(state.Addresses, resolver.Address{Addr: addr})
		}
		if len(list) > 0 {
			_ = cc.UpdateState(state) // what it says is for resolvers that can ask again
		}
		select {
		case <-changed:
		case <-r.closed:
			return
		}
	}
}

func (*viewResolver) ResolveNow(resolver.ResolveNowOptions) {}
func (r *viewResolver) Close()                              { close(r.closed) }

// perInstance keeps a channel to each listed instance. It is a careful one: a channel is closed when its instance has
// left the list and its last call has its answer, so what is lost is lost by the server.
type perInstance struct {
	network *network
	view    *view
	stop    chan struct{}
	over    sync.WaitGroup

	mu   sync.Mutex
	open []*channel
	next int
}

type channel struct {
	addr   string
	conn   *grpc.ClientConn
	calls  int
	listed bool
}

func newPerInstance(n *network, v *view) *perInstance {
	p := &perInstance{network: n, view: v, stop: make(chan struct{})}
	list, changed := v.look()
	p.update(list)
	p.over.Go(func() {
		for {
			select {
			case <-changed:
			case <-p.stop:
				return
			}
			list, changed = v.look()
			p.update(list)
		}
	})
	return p
}

func (p *perInstance) update(list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := map[string]*channel{}
	for _, c := range p.open {
		c.listed = false
		known[c.addr] = c
	}
	p.open = nil
	for _, addr := range list {
		c := known[addr]
		if c == nil {
			c = &channel{addr: addr, conn: dial(p.network, "passthrough:///"+addr)}
			c.conn.Connect()
		}
		c.listed = true
		p.open = append(p.open, c)
	}
	for _, c := range known {
		c.closeWhenDone()
	}
}

func (p *perInstance) take(int) (*grpc.ClientConn, func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.open) == 0 {
		return nil, nil
	}
	p.next++
	c := p.open[p.next%len(p.open)]
	c.calls++
	return c.conn, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		c.calls--
		c.closeWhenDone()
	}
}

func (c *channel) closeWhenDone() {
	if !c.listed && c.calls == 0 {
		c.conn.Close()
	}
}

func (p *perInstance) close() {
	close(p.stop)
	p.over.Wait()
	p.update(nil)
}

// fresh dials for each call and hangs up after it.
type fresh struct {
	network *network
	view    *view
}

func (f fresh) take(draw int) (*grpc.ClientConn, func()) {
	list, _ := f.view.look()
	if len(list) == 0 {
		return nil, nil
	}
	conn := dial(f.network, "passthrough:///"+list[draw%len(list)])
	return conn, func() { conn.Close() }
}

func (fresh) close() {}
