// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// Instance is an instance as the SDK has it.
type Instance = model.Instance

// The requests of a publication.
const (
	registerInstance   = "registerInstance"
	deregisterInstance = "deregisterInstance"
)

// A publication is what is wanted under a service: one instance, registered or withdrawn, since the registry keeps one
// for a connection.
type publication struct {
	service, group string
	request        string
	instance       Instance
	number         uint64 // in the order in which they were asked for
}

// Register publishes i. Nil means that the node we are connected to has accepted it, not that anybody sees it. It is
// repeated after each connect until Deregister, also when it has failed for want of an answer: it may be published
// later all the same. One that the registry has refused is not repeated, unless there was one before it. Only address,
// cluster, weight and metadata of i count; it is ephemeral, enabled and healthy always.
func (c *Client) Register(ctx context.Context, service, group string, i Instance) error {
	i.Metadata = maps.Clone(i.Metadata)
	if i.Metadata == nil {
		i.Metadata = map[string]string{}
	}
	i.Ephemeral, i.Enable, i.Healthy = true, true, true
	p := &publication{service, group, registerInstance, i, c.number.Add(1)}
	return c.call(ctx, func() error {
		before, ok := c.want(p)
		if !ok {
			return errWithdrawn
		}
		err := c.publish(p)
		if before == nil && (errors.Is(err, ErrRefused) || answered(err)) {
			c.forget(p)
		}
		return err
	})
}

// Deregister withdraws i, which is not registered again after a connect then, also when it fails. A withdrawal that has
// failed for want of an answer is repeated after each connect until the registry has answered.
func (c *Client) Deregister(ctx context.Context, service, group string, i Instance) error {
	withdrawn := Instance{Ip: i.Ip, Port: i.Port, ClusterName: i.ClusterName, Ephemeral: true}
	p := &publication{service, group, deregisterInstance, withdrawn, c.number.Add(1)}
	c.want(p)
	err := c.call(ctx, func() error { return c.publish(p) })
	if ctx.Err() != nil { // it may not have been its turn yet
		c.repeat(func() {
			if c.published[keyOf(service, group)] == p {
				c.due[p] = true
			}
		})
	}
	return err
}

// want makes p what is wanted under its service, and returns what was registered there before, if it was. A registration
// whose turn comes after a later withdrawal was asked for is not wanted any more: ok is false.
func (c *Client) want(p *publication) (before *publication, ok bool) {
	key := keyOf(p.service, p.group)
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.number < c.withdrawn[key] {
		return nil, false
	}
	if p.request == deregisterInstance {
		c.withdrawn[key] = p.number
	}
	before = c.published[key]
	delete(c.due, before)
	c.published[key] = p
	if before != nil && before.request != p.request {
		return nil, true
	}
	return before, true
}

// forget takes p from what is repeated, if it is still what is wanted.
func (c *Client) forget(p *publication) {
	key := keyOf(p.service, p.group)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.published[key] == p {
		delete(c.published, key)
	}
	delete(c.due, p)
}

func (c *Client) publish(p *publication) error {
	c.taken(p)
	err := c.ask(rpc_request.NewInstanceRequest(c.wire.config.NamespaceId, p.service, p.group, p.request, p.instance))
	if p.request == deregisterInstance && (err == nil || errors.Is(err, ErrRefused) || answered(err)) {
		c.forget(p)
	}
	return err
}

func (c *Client) ask(r rpc_request.IRequest) error {
	answer, err := c.wire.request(r)
	if err == nil && !answer.IsSuccess() {
		err = c.refused()
	}
	return err
}

// answered tells that the registry itself has said no, for another reason than want of rights: it is starting, or
// refuses the instance.
func answered(err error) bool {
	if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrClosed) || errors.Is(err, context.Canceled) ||
		errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	return wasSent(err) && !strings.HasPrefix(err.Error(), transportError)
}

// call runs f on a goroutine of its own when it is its turn, and returns context.Cause(ctx) when ctx ends first; f
// then runs to its end, which the SDK bounds by about the timeout, and later calls wait for it. So an answer that
// nobody waits for cannot overtake a later call.
func (c *Client) call(ctx context.Context, f func() error) error {
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
	if c.wire == nil {
		<-c.turn
		return c.err
	}
	done := make(chan error, 1)
	if !c.start(func() {
		defer func() { <-c.turn }()
		done <- c.send(f)
	}) {
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

// send runs f, and remembers whether the registry may have heard of it.
func (c *Client) send(f func() error) error {
	c.sending.Add(1)
	defer c.sending.Add(-1)
	err := f()
	if wasSent(err) {
		c.reached.Store(true)
	}
	return err
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

// refused is the error for an answer without success, which does not say why: a failed login is the best guess.
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
