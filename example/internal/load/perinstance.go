// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// perInstance keeps one channel to each listed instance and takes them in turn, as consumers do whose
// discovery was written by hand. It is a careful one: a channel is closed when its instance has left
// the list and the channel's own last call has its answer, so what is lost is lost by the server.
type perInstance struct {
	listing *naming.Listing
	stop    context.CancelFunc
	follow  sync.WaitGroup

	mu       sync.Mutex
	channels []*channel
	next     int
}

type channel struct {
	addr   string
	conn   *grpc.ClientConn
	calls  int
	listed bool
}

func openPerInstance(cfg Config) (*perInstance, error) {
	listing, err := naming.Subscribe(cfg.Nacos, cfg.Service)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &perInstance{listing: listing, stop: stop}
	p.update(listing.Instances())
	p.follow.Go(func() { listing.Follow(ctx, p.update) })
	return p, nil
}

// update makes the channels fit the list.
func (p *perInstance) update(instances []naming.Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := make(map[string]*channel, len(p.channels))
	for _, c := range p.channels {
		c.listed = false
		known[c.addr] = c
	}
	var channels []*channel
	for _, instance := range instances {
		c := known[instance.Addr]
		if c == nil {
			conn, err := dial(instance.Addr)
			if err != nil {
				continue // not an address that grpc understands; it never gets a call
			}
			conn.Connect()
			c = &channel{addr: instance.Addr, conn: conn}
		}
		c.listed = true
		channels = append(channels, c)
	}
	p.channels = channels
	for _, c := range known {
		c.closeIfDone()
	}
}

func (p *perInstance) call(ctx context.Context) error {
	c := p.take()
	if c == nil {
		return status.Error(codes.Unavailable, errNoInstance.Error())
	}
	defer p.giveBack(c)
	return unary(ctx, c.conn)
}

func (p *perInstance) take() *channel {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.channels) == 0 {
		return nil
	}
	p.next++
	c := p.channels[p.next%len(p.channels)]
	c.calls++
	return c
}

func (p *perInstance) giveBack(c *channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.calls--
	c.closeIfDone()
}

func (c *channel) closeIfDone() {
	if !c.listed && c.calls == 0 {
		_ = c.conn.Close() // fails only when it is closed already
	}
}

func (p *perInstance) Close() error {
	p.stop()
	p.follow.Wait()
	p.update(nil)
	return p.listing.Close()
}

// dial makes a channel to one address.
func dial(addr string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDisableServiceConfig(),
	)
}
