// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"net/url"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the client side of health checking
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
)

// pickFirstChannels is how many channels the pick_first client has. Each stays with one backend, so one alone would
// see only the restarts of that one; the other kinds have a channel, which has a connection to each backend.
const pickFirstChannels = 3

// throughChannels is how many connections to a balancer there are.
const throughChannels = 3

// serviceConfigs names the policy of each balanced kind. None has a retryPolicy.
var serviceConfigs = map[Kind]string{
	Resolver:  `{"loadBalancingConfig": [{"round_robin": {}}]}`,
	Health:    `{"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}`,
	PickFirst: `{"loadBalancingConfig": [{"pick_first": {"shuffleAddressList": true}}]}`,
}

// balanced has channels that find and choose the backends by themselves, or leave that to a balancer.
type balanced struct {
	conns []*grpc.ClientConn
	next  atomic.Uint64
}

func openBalanced(cfg Config) (*balanced, error) {
	b := &balanced{}
	channels := 1
	switch cfg.Kind {
	case PickFirst:
		channels = pickFirstChannels
	case Through:
		channels = throughChannels
	}
	for range channels {
		conn, err := connect(cfg, serviceConfigs[cfg.Kind])
		if err != nil {
			return nil, errors.Join(err, b.Close())
		}
		b.conns = append(b.conns, conn)
	}
	return b, nil
}

// connect makes a channel to the balancer, where there is one, else to the service.
func connect(cfg Config, serviceConfig string) (*grpc.ClientConn, error) {
	if cfg.Target != "" {
		return dial(cfg.Target)
	}
	return dialService(cfg, serviceConfig)
}

// dialService makes a channel to the service's name in the registry.
func dialService(cfg Config, serviceConfig string) (*grpc.ClientConn, error) {
	target := "nacos:///" + url.PathEscape(cfg.Service.Name)
	if cfg.Service.Group != "" {
		target += "?group=" + url.QueryEscape(cfg.Service.Group)
	}
	builder := nacosresolver.NewBuilder(nacosresolver.Config{
		Servers:   []string{cfg.Nacos},
		Namespace: cfg.Service.Namespace,
	})
	return grpc.NewClient(target,
		grpc.WithResolvers(builder),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(),
	)
}

func (b *balanced) call(ctx context.Context) error {
	conn := b.conns[b.next.Add(1)%uint64(len(b.conns))]
	return unary(ctx, conn)
}

func (b *balanced) Close() error {
	var errs []error
	for _, conn := range b.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}

// unary is the call that every unary kind makes.
func unary(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := testgrpc.NewTestServiceClient(conn).UnaryCall(ctx, &testgrpc.SimpleRequest{ResponseSize: 100})
	return err
}
