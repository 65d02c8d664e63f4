// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"cmp"
	"context"
	"fmt"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Scheme is the scheme of targets.
const Scheme = "nacos"

// Config says where the registry is and how to speak to it. It is the Config of package nacos, where its fields are
// explained: Servers, Namespace, Username, Password, TLS, Timeout, Logger, Customize.
type Config = sdk.Config

// TLS says how to trust the registry, and who we are: the TLS of package nacos, where its fields are explained.
type TLS = sdk.TLS

// NewBuilder returns a builder for grpc.WithResolvers. It registers nothing and may be used for any number of
// channels. What is wrong with cfg or with a target is the error of Build, and so of the channel's calls.
func NewBuilder(cfg Config) resolver.Builder { return builder{cfg} }

type builder struct{ cfg Config }

func (b builder) Scheme() string { return Scheme }

// Build subscribes in the background and returns at once.
func (b builder) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	q, err := parseTarget(target.URL)
	if err != nil {
		return nil, fmt.Errorf("nacosresolver: target %q: %w", target.URL.String(), err)
	}
	cfg := b.cfg
	cfg.Namespace = cmp.Or(q.namespace, cfg.Namespace)
	settings, err := sdk.Prepare(cfg)
	if err != nil {
		return nil, fmt.Errorf("nacosresolver: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{
		query:   q,
		cc:      cc,
		connect: settings.NewClient,
		log:     settings.Logger().With("service", q.String()),
		cancel:  cancel,
		doubted: make(chan struct{}, 1),
	}
	f.open(ctx)
	f.running.Go(func() { f.deliver(ctx) })
	return f, nil
}
