// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// A follower is the resolver of one channel. It hands the channel what its feed has, as far as the target asks for it.
type follower struct {
	query
	cc  resolver.ClientConn
	log *slog.Logger

	feed  *feed
	leave func() error

	cancel  context.CancelFunc
	running sync.WaitGroup
	news    chan news   // the latest
	empty   atomic.Bool // nothing in the latest list may be called

	// Of deliver.
	last []resolver.Endpoint // what the channel has
	kept bool                // an empty list was not handed on
}

// news is a list, or why there is none yet.
type news struct {
	list []sdk.Instance
	err  error
}

// put leaves n for deliver and returns at once; news that nobody has taken yet are replaced. The feed's lock is held.
func (f *follower) put(n news) {
	select {
	case <-f.news:
	default:
	}
	f.news <- n
}

// ResolveNow is how a channel says that it cannot connect, or was told to go.
func (f *follower) ResolveNow(resolver.ResolveNowOptions) { f.feed.doubt() }

// Close ends the subscription with its connection if no other channel uses them. It takes closeLimit at the most.
func (f *follower) Close() {
	f.cancel()
	f.running.Wait()
	if err := f.leave(); err != nil {
		f.log.Warn("nacosresolver: connection to the registry is still being closed", "err", err)
	}
}

// deliver hands the channel every list that is new and not empty.
func (f *follower) deliver(ctx context.Context) {
	for {
		select {
		case n := <-f.news:
			if n.err == nil {
				f.take(n.list)
			} else {
				f.cc.ReportError(fmt.Errorf("nacosresolver: subscribe to %s: %w", f, n.err))
			}
		case <-ctx.Done():
			return
		}
	}
}

func (f *follower) take(list []sdk.Instance) {
	endpoints := f.endpoints(list)
	f.empty.Store(len(endpoints) == 0)
	if len(endpoints) > 0 {
		f.kept = false
		if !same(endpoints, f.last) {
			f.last = endpoints
			// An error says that the policy does not like the list, and will be asked again with the next one.
			_ = f.cc.UpdateState(resolver.State{Endpoints: endpoints})
		}
		return
	}
	f.feed.doubt()
	switch {
	case f.last == nil:
		f.cc.ReportError(fmt.Errorf("nacosresolver: %s has no usable instance (%d listed)", f, len(list)))
	case !f.kept:
		f.kept = true
		if !anyUsable(list) {
			return // the feed has said so
		}
		f.log.Warn("nacosresolver: no usable instance in our clusters, keeping the last list", "clusters", f.clusters, "listed", len(list), "kept", len(f.last))
	}
}
