// SPDX-License-Identifier: Apache-2.0

package naming

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// Instance is one entry of a service's list that may be called.
type Instance struct {
	Addr     string // host:port
	Metadata map[string]string
}

// Listing is the list of a service's instances as the registry last sent it. Its methods are safe for
// concurrent use.
type Listing struct {
	client *Client

	mu        sync.Mutex
	instances []Instance
	changed   chan struct{} // closed and replaced by every list that comes
}

// firstListLimit is how long the first list may take. It comes inside the SDK's Subscribe, or a moment later when the
// SDK's own subscription after its connect was faster.
const firstListLimit = 3 * time.Second

// Subscribe opens a client of its own and follows the service's list. The first list has arrived when
// it returns, unless the registry could not be reached, or sent none: then it is an error.
func Subscribe(addr string, service Service) (*Listing, error) {
	client, err := Open(addr, service)
	if err != nil {
		return nil, err
	}
	first := make(chan struct{})
	l := &Listing{client: client, changed: first}
	err = client.sdk.Subscribe(&vo.SubscribeParam{
		ServiceName: service.Name, GroupName: service.Group,
		SubscribeCallback: func(hosts []model.Instance, err error) {
			if err == nil {
				l.update(hosts)
			}
		},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("naming: subscribe %s: %w", service.Name, err), client.Close())
	}
	select {
	case <-first:
		return l, nil
	case <-time.After(firstListLimit):
		return nil, errors.Join(fmt.Errorf("naming: subscribe %s: no list within %v", service.Name, firstListLimit), client.Close())
	}
}

// update copies what it needs at once: the SDK goes on sorting the slice that it hands out.
func (l *Listing) update(hosts []model.Instance) {
	instances := make([]Instance, 0, len(hosts))
	for _, host := range hosts {
		if !host.Enable || !host.Healthy || host.Weight <= 0 {
			continue
		}
		instances = append(instances, Instance{
			Addr:     net.JoinHostPort(host.Ip, strconv.FormatUint(host.Port, 10)),
			Metadata: host.Metadata,
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.instances = instances
	close(l.changed)
	l.changed = make(chan struct{})
}

// Instances returns a copy of the list.
func (l *Listing) Instances() []Instance {
	instances, _ := l.look()
	return instances
}

// Wait returns nil as soon as the list is as wanted, or the cause of ctx's end.
func (l *Listing) Wait(ctx context.Context, wanted func([]Instance) bool) error {
	for {
		instances, changed := l.look()
		if wanted(instances) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Follow calls f with the present list and then with every later one, in order, until ctx ends.
// Lists that come while f runs may be passed over, never the last one.
func (l *Listing) Follow(ctx context.Context, f func([]Instance)) {
	for {
		instances, changed := l.look()
		f(instances)
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// Close ends the subscription by ending its client.
func (l *Listing) Close() error {
	return l.client.Close()
}

func (l *Listing) look() ([]Instance, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.instances), l.changed
}
