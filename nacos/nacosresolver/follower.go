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
)

// A follower is the resolver of one channel.
type follower struct {
	query
	cc     resolver.ClientConn
	client *sdk.Client
	log    *slog.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
	lists   chan []sdk.Instance // the latest one
	failed  chan error          // subscribing
}

// ResolveNow does nothing: the list is pushed.
func (f *follower) ResolveNow(resolver.ResolveNowOptions) {}

// Close ends the subscription with its connection. It takes closeLimit at the most.
func (f *follower) Close() {
	f.cancel()
	f.running.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := f.client.Close(ctx); err != nil {
		f.log.Warn("nacosresolver: connection to the registry is still being closed", "err", err)
	}
}

// subscribe tries until there is a list. While the registry is away, the SDK subscribes by itself when it is back;
// what it gives up is a subscription that was refused.
func (f *follower) subscribe(ctx context.Context) {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		err := f.client.Subscribe(ctx, f.service, f.group, f.put)
		if err == nil || ctx.Err() != nil {
			return
		}
		select {
		case f.failed <- err:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(pause + rand.N(pause/4)):
		case <-ctx.Done():
			return
		}
	}
}

// put runs on the SDK's receive goroutine: it leaves the list and returns. A list that nobody has taken yet is
// replaced.
func (f *follower) put(list []sdk.Instance) {
	for {
		select {
		case f.lists <- list:
			return
		default:
		}
		select {
		case <-f.lists:
		default:
		}
	}
}

// deliver hands the channel every list that is new and not empty.
func (f *follower) deliver(ctx context.Context) {
	var last []resolver.Endpoint
	kept := false
	for {
		select {
		case err := <-f.failed:
			if last == nil {
				f.cc.ReportError(fmt.Errorf("nacosresolver: subscribe to %s: %w", f, err))
			}
		case list := <-f.lists:
			endpoints := f.endpoints(list)
			switch {
			case len(endpoints) == 0 && last == nil:
				f.cc.ReportError(fmt.Errorf("nacosresolver: %s has no usable instance (%d listed)", f, len(list)))
			case len(endpoints) == 0:
				if !kept {
					f.log.Warn("nacosresolver: no usable instance, keeping the last list", "listed", len(list), "kept", len(last))
				}
				kept = true
			case !same(endpoints, last):
				last, kept = endpoints, false
				// An error says that the policy does not like the list, and will be asked again with the next one.
				_ = f.cc.UpdateState(resolver.State{Endpoints: endpoints})
			default:
				kept = false
			}
		case <-ctx.Done():
			return
		}
	}
}
