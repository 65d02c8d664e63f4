// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"cmp"
	"context"
	"fmt"
	"sync"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Scheme is the scheme of targets.
const Scheme = "nacos"

// Config says where the registry is and how to speak to it. It is the one of package nacos: one value serves both.
type Config = nacos.Config

// TLS is the TLS of package nacos.
type TLS = nacos.TLS

// NewBuilder returns a builder for grpc.WithResolvers. It registers nothing and may be used for any number of channels,
// concurrently. The channels of one builder that follow the same service share one connection to the registry, so a
// program needs one builder for a registry. What is wrong with cfg or with a target is the error of Build, and so of
// the channel's calls.
func NewBuilder(cfg Config) resolver.Builder { return &builder{cfg: cfg, feeds: map[feedKey]*feed{}} }

type builder struct {
	cfg Config

	mu    sync.Mutex
	feeds map[feedKey]*feed // without those that are being closed
}

type feedKey struct{ namespace, group, service string }

func (b *builder) Scheme() string { return Scheme }

// Build subscribes in the background and returns at once.
func (b *builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	q, err := parseTarget(target.URL)
	if err != nil {
		return nil, fmt.Errorf("nacosresolver: target %q: %w", target.URL.String(), err)
	}
	cfg := b.cfg
	cfg.Namespace = cmp.Or(q.namespace, cfg.Namespace)
	settings, err := sdk.Prepare(sdk.Config{
		Servers: cfg.Servers, Namespace: cfg.Namespace, Username: cfg.Username, Password: cfg.Password, TLS: (*sdk.TLS)(cfg.TLS),
		Timeout: cfg.Timeout, Logger: cfg.Logger, Customize: cfg.Customize,
	})
	if err != nil {
		return nil, fmt.Errorf("nacosresolver: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{
		query:  q,
		cc:     cc,
		log:    settings.Logger().With("service", q.String()),
		cancel: cancel,
		news:   make(chan news, 1),
	}
	b.join(f, settings)
	f.running.Go(func() { f.deliver(ctx) })
	return f, nil
}

func (b *builder) join(f *follower, settings *sdk.Settings) {
	key := feedKey{settings.Namespace(), f.group, f.service}
	f.leave = func() error { return b.leave(f, key) }
	b.mu.Lock()
	defer b.mu.Unlock()
	f.feed = b.feeds[key]
	if f.feed == nil {
		f.feed = openFeed(f.query, settings.NewClient, f.log)
		b.feeds[key] = f.feed
	}
	f.feed.join(f)
}

// leave closes the feed with the last of its followers.
func (b *builder) leave(f *follower, key feedKey) error {
	b.mu.Lock()
	last := f.feed.leave(f)
	if last {
		delete(b.feeds, key)
	}
	b.mu.Unlock()
	if !last {
		return nil
	}
	return f.feed.close()
}
