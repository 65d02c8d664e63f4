// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

const (
	retryMin   = 500 * time.Millisecond
	retryMax   = 10 * time.Second
	closeLimit = 2 * time.Second

	// lookAfter passes between a doubt (nothing usable is listed, or the channel cannot connect) and a look at the open
	// list, and between the two looks that convict a subscription: a push takes 0.5 to 1 s, 2 s from node to node.
	lookAfter = 3 * time.Second
	// lookAgain passes between two looks while nothing usable is listed.
	lookAgain = 10 * time.Second
	lookLimit = 2 * time.Second
)

// A follower is the resolver of one channel. It believes its subscription until there is a doubt; then it reads the
// open list over HTTP. Where the two differ twice, the subscription is broken (a forged datagram, a registry whose
// clock went back: the SDK drops what is not newer than what it has) and a new connection takes its place.
type follower struct {
	query
	cc      resolver.ClientConn
	connect func() *sdk.Client
	log     *slog.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
	doubted chan struct{}

	// Of deliver, and of Close once that has ended.
	source *source
	last   []resolver.Endpoint // what the channel has
	heard  []resolver.Endpoint // what the subscription has said last
	kept   bool                // an empty list was not handed on
	look   <-chan time.Time    // the next look at the open list; nil: no doubt
	differ int                 // looks in a row that contradicted the subscription
}

// ResolveNow is how a channel says that it cannot connect, or was told to go.
func (f *follower) ResolveNow(resolver.ResolveNowOptions) {
	select {
	case f.doubted <- struct{}{}:
	default:
	}
}

// Close ends the subscription with its connection. It takes closeLimit at the most.
func (f *follower) Close() {
	f.cancel()
	f.running.Wait()
	if err := f.source.close(); err != nil {
		f.log.Warn("nacosresolver: connection to the registry is still being closed", "err", err)
	}
}

// open begins to follow with a connection of its own. It is called by deliver, or before it.
func (f *follower) open(ctx context.Context) {
	s := newSource(f.query, f.connect())
	f.source = s
	f.running.Go(func() { s.subscribe(ctx) })
}

// deliver hands the channel every list that is new and not empty.
func (f *follower) deliver(ctx context.Context) {
	for {
		select {
		case err := <-f.source.failed:
			if f.last == nil {
				f.cc.ReportError(fmt.Errorf("nacosresolver: subscribe to %s: %w", f, err))
			}
			f.doubt(lookAfter)
		case list := <-f.source.lists:
			f.take(list)
		case <-f.doubted:
			f.doubt(lookAfter)
		case <-f.look:
			f.look = nil
			f.compare(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// take hands on a list of the subscription.
func (f *follower) take(list []sdk.Instance) {
	f.heard, f.differ, f.look = f.endpoints(list), 0, nil
	if len(f.heard) > 0 {
		f.kept = false
		f.update(f.heard)
		return
	}
	f.doubt(lookAfter)
	if f.last == nil {
		f.cc.ReportError(fmt.Errorf("nacosresolver: %s has no usable instance (%d listed)", f, len(list)))
	} else if !f.kept {
		f.log.Warn("nacosresolver: no usable instance, keeping the last list", "listed", len(list), "kept", len(f.last))
		f.kept = true
	}
}

func (f *follower) update(endpoints []resolver.Endpoint) {
	if same(endpoints, f.last) {
		return
	}
	f.last = endpoints
	// An error says that the policy does not like the list, and will be asked again with the next one.
	_ = f.cc.UpdateState(resolver.State{Endpoints: endpoints})
}

func (f *follower) doubt(after time.Duration) {
	if f.look == nil {
		f.look = time.After(after + rand.N(after/2)) // all channels doubt at once
	}
}

// compare looks at the open list.
func (f *follower) compare(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, lookLimit)
	list, err := f.source.client.List(limited, f.service, f.group)
	cancel()
	listed := f.endpoints(list)
	if err != nil || len(listed) == 0 || same(listed, f.heard) {
		f.differ = 0
		if len(f.heard) == 0 {
			f.doubt(lookAgain)
		}
		return
	}
	if f.differ++; f.differ < 2 {
		f.doubt(lookAfter)
		return
	}
	f.log.Warn("nacosresolver: our subscription is broken, the open list differs; a new connection takes over",
		"heard", len(f.heard), "listed", len(listed))
	f.differ = 0
	broken := f.source
	f.running.Go(func() { _ = broken.close() }) // bounded, and nothing hangs on it
	f.open(ctx)
	f.update(listed)
	f.doubt(lookAgain)
}
