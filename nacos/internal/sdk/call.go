// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
	"google.golang.org/grpc/status"
)

// Instance is an instance as the SDK has it.
type Instance = model.Instance

// Register publishes i. Nil means that the node we are connected to has accepted it, not that anybody sees it. After
// an error it may be published later all the same: the SDK keeps it for its next connect, until Deregister. Only
// address, cluster, weight and metadata of i count; it is ephemeral, enabled and healthy always.
func (c *Client) Register(ctx context.Context, service, group string, i Instance) error {
	return c.call(ctx, func(api naming_client.INamingClient) (bool, error) {
		return api.RegisterInstance(vo.RegisterInstanceParam{
			Ip: i.Ip, Port: i.Port, ClusterName: i.ClusterName, Weight: i.Weight, Metadata: i.Metadata,
			ServiceName: service, GroupName: group,
			Ephemeral: true, Enable: true, Healthy: true,
		})
	})
}

// Deregister withdraws i, and takes it from what the SDK publishes again after a reconnect, also when it fails.
func (c *Client) Deregister(ctx context.Context, service, group string, i Instance) error {
	return c.call(ctx, func(api naming_client.INamingClient) (bool, error) {
		return api.DeregisterInstance(vo.DeregisterInstanceParam{
			Ip: i.Ip, Port: i.Port, Cluster: i.ClusterName,
			ServiceName: service, GroupName: group,
			Ephemeral: true, // or it would go over HTTP, without effect
		})
	})
}

// notConnected is part of the SDK's errors of a call that was not sent (v2.3.5, RpcClient.Request).
const notConnected = "client not connected"

// Answered tells that the registry itself has said no, for another reason than want of rights: it is starting, or refuses the
// instance. The SDK (v2.3.5) makes a new connection then, on which it asks for the same again, without a pause, for ever;
// Deregister and Close end that.
func Answered(err error) bool {
	if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), notConnected) {
		return false
	}
	_, transport := status.FromError(err)
	return !transport
}

// call runs f on a goroutine of its own when it is its turn, and returns context.Cause(ctx) when ctx ends first; f
// then runs to its end, which the SDK bounds by about the timeout, and later calls wait for it. So an answer that
// nobody waits for cannot overtake a later call.
func (c *Client) call(ctx context.Context, f func(naming_client.INamingClient) (bool, error)) error {
	if err := c.await(ctx, c.ready); err != nil {
		return err
	}
	if err := c.take(ctx); err != nil {
		return err
	}
	if ctx.Err() != nil {
		<-c.turn
		return context.Cause(ctx)
	}
	if c.api == nil {
		<-c.turn
		return c.err
	}
	done := make(chan error, 1)
	c.sending.Add(1)
	if !c.start(func() {
		defer func() { <-c.turn }()
		ok, err := f(c.api)
		if err == nil || !strings.Contains(err.Error(), notConnected) {
			c.reached.Store(true)
		}
		c.sending.Add(-1)
		if err == nil && !ok {
			err = c.refused()
		}
		done <- err
	}) {
		c.sending.Add(-1)
		<-c.turn
		return ErrClosed
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// start runs f unless Close was called; Close waits for it.
func (c *Client) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isClosing() {
		return false
	}
	c.running.Go(f)
	return true
}

func (c *Client) await(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
		return nil
	case <-c.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-c.closing:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// refused is the error for an answer (false, nil), which does not say why: a failed login is the best guess.
func (c *Client) refused() error {
	_, login := c.agent.credentials()
	if login == nil {
		return ErrRefused
	}
	if errors.Is(login, ErrLogin) {
		return fmt.Errorf("%w: username or password: %w", ErrRefused, login)
	}
	return login
}
