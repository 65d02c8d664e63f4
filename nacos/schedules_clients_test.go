// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
)

// A failure is a call that failed.
type failure struct {
	err    error
	addr   string
	listed bool // the client's own list had the instance still
	after  time.Duration
}

func (f failure) String() string {
	return fmt.Sprintf("call to %s (in the client's list: %v) after %v: %v", f.addr, f.listed, f.after, f.err)
}

const callPause = 10 * time.Millisecond

func call(conn *grpc.ClientConn, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := testpb.NewTestServiceClient(conn).EmptyCall(ctx, &testpb.Empty{}, opts...)
	return err
}

// A resolverClient has one channel to the service's name, by round_robin and without any retry policy.
type resolverClient struct {
	conn     *grpc.ClientConn
	stop     context.CancelFunc
	done     chan struct{}
	calls    int64 // from here on once done
	failures []failure
}

func openResolverClient(s *scene) (*resolverClient, error) {
	conn, err := grpc.NewClient("nacos:///"+s.service,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{
			Servers: []string{s.registry.Addr()}, Logger: s.log.With("client", "resolver"),
		})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	if err := call(conn, grpc.WaitForReady(true)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &resolverClient{conn: conn, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		began := time.Now()
		for ctx.Err() == nil {
			c.calls++
			if err := call(conn); err != nil {
				c.failures = append(c.failures, failure{err: err, after: time.Since(began)})
			}
			time.Sleep(callPause)
		}
	}()
	return c, nil
}

func (c *resolverClient) close() {
	c.stop()
	<-c.done
	_ = c.conn.Close()
}

// A plainClient has one channel to each listed instance and takes them in turn, as consumers do whose discovery was
// written by hand. A channel is closed once its instance is off the list. While the list is empty it calls nobody.
type plainClient struct {
	api      *sdk.Client
	list     atomic.Pointer[[]string]
	channels map[string]*grpc.ClientConn
	stop     context.CancelFunc
	done     chan struct{}
	calls    int64 // from here on once done
	failures []failure
}

func openPlainClient(s *scene) (*plainClient, error) {
	settings, err := sdk.Prepare(sdk.Config{Servers: []string{s.registry.Addr()}, Logger: s.log.With("client", "per instance")})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &plainClient{api: settings.NewClient(), channels: map[string]*grpc.ClientConn{}, stop: cancel, done: make(chan struct{})}
	limited, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	err = c.api.Subscribe(limited, s.service, sdk.DefaultGroup, func(list []sdk.Instance) {
		var addrs []string
		for _, i := range list {
			addrs = append(addrs, net.JoinHostPort(i.Ip, fmt.Sprint(i.Port)))
		}
		c.list.Store(&addrs)
	})
	go func() {
		defer close(c.done)
		began := time.Now()
		for turn := 0; ctx.Err() == nil; turn++ {
			c.next(turn, began)
			time.Sleep(callPause)
		}
	}()
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *plainClient) listed() []string {
	if list := c.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (c *plainClient) next(turn int, began time.Time) {
	list := c.listed()
	for addr, conn := range c.channels {
		if !slices.Contains(list, addr) {
			_ = conn.Close()
			delete(c.channels, addr)
		}
	}
	if len(list) == 0 {
		return
	}
	addr := list[turn%len(list)]
	conn := c.channels[addr]
	if conn == nil {
		var err error
		if conn, err = grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			return
		}
		c.channels[addr] = conn
	}
	c.calls++
	if err := call(conn); err != nil {
		c.failures = append(c.failures, failure{err: err, addr: addr, listed: slices.Contains(c.listed(), addr), after: time.Since(began)})
	}
}

func (c *plainClient) close() {
	c.stop()
	<-c.done
	for _, conn := range c.channels {
		_ = conn.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.api.Close(ctx) // it only takes longer
}
