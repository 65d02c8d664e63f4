// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// firstListWait is how long a subscription that the SDK says to have may take to show its first list. The list comes
// inside the SDK's call, or a moment later when the SDK's own redo after the first connect was faster.
const firstListWait = 500 * time.Millisecond

type subscription struct {
	param *vo.SubscribeParam // the SDK finds the callback again by this pointer
	heard chan struct{}      // closed by the first list
}

// Subscribe has f called with the whole list of the service, now and at each change. f gets a copy, runs on the
// goroutine that receives from the registry, and must hand it over and return.
//
// It returns nil once f has had its first list. After an error the subscription stays: the SDK makes it good at its
// next connect, and then f is called. Subscribe may be called again to try at once; f of the first call stays.
func (c *Client) Subscribe(ctx context.Context, service, group string, f func([]Instance)) error {
	sub, first := c.subscription(service, group, f)
	return c.call(ctx, func(api naming_client.INamingClient) (bool, error) {
		var err error
		if first {
			err = api.Subscribe(sub.param)
		} else {
			// It subscribes again where there is no list yet, and adds no second callback.
			_, err = api.SelectAllInstances(vo.SelectAllInstancesParam{ServiceName: service, GroupName: group})
		}
		if err != nil {
			return false, err
		}
		return c.heardFrom(sub), nil
	})
}

// heardFrom tells a subscription from one that was refused: both return nil, but that one brings no list.
func (c *Client) heardFrom(sub *subscription) bool {
	wait := time.NewTimer(firstListWait)
	defer wait.Stop()
	select {
	case <-sub.heard:
		return true
	case <-wait.C:
	case <-c.closing:
	}
	return false
}

func (c *Client) subscription(service, group string, f func([]Instance)) (sub *subscription, first bool) {
	key := group + "@@" + service
	c.mu.Lock()
	defer c.mu.Unlock()
	if sub := c.subs[key]; sub != nil {
		return sub, false
	}
	sub = &subscription{heard: make(chan struct{})}
	heard := sync.OnceFunc(func() { close(sub.heard) })
	sub.param = &vo.SubscribeParam{
		ServiceName: service,
		GroupName:   group,
		SubscribeCallback: func(list []model.Instance, err error) {
			if err != nil || c.isClosing() {
				return
			}
			c.reached.Store(true)
			// A copy, for the SDK sorts the slice that it hands out in place, later.
			f(slices.Clone(list))
			heard()
		},
	}
	c.subs[key] = sub
	return sub, true
}

// Unsubscribe ends the subscription to the service, if there is one.
func (c *Client) Unsubscribe(ctx context.Context, service, group string) error {
	key := group + "@@" + service
	c.mu.Lock()
	sub := c.subs[key]
	delete(c.subs, key)
	c.mu.Unlock()
	if sub == nil {
		return nil
	}
	return c.call(ctx, func(api naming_client.INamingClient) (bool, error) {
		return true, api.Unsubscribe(sub.param)
	})
}
