// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

const (
	retryMin   = 500 * time.Millisecond
	retryMax   = 10 * time.Second
	closeLimit = 2 * time.Second
)

// A feed is the list of one service, for all channels of a builder that follow it. It believes its subscription until
// there is a doubt; what follows then stands in second_look.go.
type feed struct {
	query
	connect func() *sdk.Client
	log     *slog.Logger

	cancel  context.CancelFunc
	running sync.WaitGroup
	doubted chan struct{}
	looked  chan look

	mu        sync.Mutex
	followers map[*follower]bool
	latest    *news // nil: none yet

	// Of follow, and of close once that has ended.
	source *source
	spoken bool           // the subscription of source has said something
	heard  []sdk.Instance // what it has said last; before, what the open list has
	kept   bool           // it was empty, and that was logged
	doubts
}

func openFeed(q query, connect func() *sdk.Client, log *slog.Logger) *feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &feed{
		query:     q,
		connect:   connect,
		log:       log,
		cancel:    cancel,
		doubted:   make(chan struct{}, 1),
		looked:    make(chan look),
		followers: map[*follower]bool{},
	}
	f.open(ctx)
	f.running.Go(func() { f.follow(ctx) })
	return f
}

// open begins to follow with a connection of its own. It is called by follow, or before it.
func (f *feed) open(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	s := newSource(f.query, f.connect(), cancel)
	f.source, f.spoken = s, false
	f.running.Go(func() { s.subscribe(ctx) })
}

// close ends the subscription with its connection. It takes closeLimit at the most.
func (f *feed) close() error {
	f.cancel()
	f.running.Wait()
	return f.source.close(context.Background())
}

// join hands c what is known.
func (f *feed) join(c *follower) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.followers[c] = true
	if f.latest != nil {
		c.put(*f.latest)
	}
}

// leave reports whether c was the last.
func (f *feed) leave(c *follower) (last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.followers, c)
	return len(f.followers) == 0
}

// publish hands n to all, but not an error in the place of a list.
func (f *feed) publish(n news) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n.err != nil && f.latest != nil && f.latest.err == nil {
		return
	}
	f.latest = &n
	for c := range f.followers {
		c.put(n)
	}
}

// doubt asks for a second look, and returns at once.
func (f *feed) doubt() {
	select {
	case f.doubted <- struct{}{}:
	default:
	}
}

func (f *feed) follow(ctx context.Context) {
	for {
		select {
		case err := <-f.source.failed:
			f.publish(news{err: err})
			f.lookAfter(doubtWait)
		case list := <-f.source.lists:
			f.take(list)
		case <-f.doubted:
			f.lookAfter(doubtWait)
		case <-f.due:
			f.look(ctx)
		case l := <-f.looked:
			f.compare(ctx, l)
		case <-ctx.Done():
			return
		}
	}
}

// take hands on a list of the subscription.
func (f *feed) take(list []sdk.Instance) {
	had := anyUsable(f.heard)
	f.heard, f.spoken = list, true
	f.settle()
	switch {
	case anyUsable(list):
		f.kept = false
	case had && !f.kept:
		f.log.Warn("nacosresolver: no usable instance, keeping the last list", "listed", len(list))
		f.kept = true
	}
	f.publish(news{list: list})
}

// anyEmpty tells whether a channel has nothing to call in the latest list.
func (f *feed) anyEmpty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.followers {
		if c.empty.Load() {
			return true
		}
	}
	return false
}

// jittered keeps all channels of all programs from doubting at once.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/2) }
