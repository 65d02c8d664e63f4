// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// A source is one connection to the registry with its subscription.
type source struct {
	query
	client *sdk.Client
	lists  chan []sdk.Instance // the latest one
	failed chan error          // subscribing
	cancel context.CancelFunc  // of subscribe
}

func newSource(q query, client *sdk.Client, cancel context.CancelFunc) *source {
	return &source{query: q, client: client, lists: make(chan []sdk.Instance, 1), failed: make(chan error), cancel: cancel}
}

// subscribe tries until there is a list. While the registry is away, the client subscribes by itself when it is back;
// what it does not repeat is a subscription that was refused.
func (s *source) subscribe(ctx context.Context) {
	for pause := retryMin; ; pause = min(2*pause, retryMax) {
		err := s.client.Subscribe(ctx, s.service, s.group, s.put)
		if err == nil || ctx.Err() != nil {
			return
		}
		if unreachable := s.client.Unreachable(ctx, err); unreachable != nil {
			err = unreachable
		}
		select {
		case s.failed <- err:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
	}
}

// put runs on the SDK's receive goroutine: it leaves the list and returns. A list that nobody has taken yet is
// replaced.
func (s *source) put(list []sdk.Instance) {
	for {
		select {
		case s.lists <- list:
			return
		default:
		}
		select {
		case <-s.lists:
		default:
		}
	}
}

// close ends the subscription with its connection; it takes closeLimit at the most, and goes on in the background when
// ctx ends.
func (s *source) close(ctx context.Context) error {
	s.cancel()
	ctx, cancel := context.WithTimeout(ctx, closeLimit)
	defer cancel()
	return s.client.Close(ctx)
}
