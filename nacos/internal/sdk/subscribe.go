// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// A subscription hands the lists of one service on.
type subscription struct {
	service, group string
	f              func([]Instance)

	mu     sync.Mutex
	heard  bool // there was a list
	last   []Instance
	stamp  uint64 // of the last list: the registry's clock, in milliseconds
	pushes uint64 // how many lists were pushed
}

// Subscribe has f called with the whole list of the service, now and at each change. f gets a copy, runs on the
// goroutine that receives from the registry, and must hand it over and return.
//
// It returns nil once f has had its first list. After an error the subscription stays: it is made good at the next
// connect, and then f is called. Subscribe may be called again to try at once; f of the first call stays.
func (c *Client) Subscribe(ctx context.Context, service, group string, f func([]Instance)) error {
	key := keyOf(service, group)
	c.mu.Lock()
	sub := c.subs[key]
	if sub == nil {
		sub = &subscription{service: service, group: group, f: f}
		c.subs[key] = sub
	}
	c.mu.Unlock()
	err := c.call(ctx, func() error { return c.subscribe(sub) })
	if ctx.Err() != nil {
		c.repeatOf(sub) // it may not have been its turn yet
	}
	return err
}

func keyOf(service, group string) string { return group + "@@" + service }

// subscribe asks for the list, and for pushes from then on. What was pushed while the answer was on its way may be
// newer.
func (c *Client) subscribe(sub *subscription) error {
	r := rpc_request.NewSubscribeServiceRequest(c.wire.config.NamespaceId, sub.service, sub.group, "", true)
	r.Headers["app"] = c.wire.config.AppName
	c.taken(sub)
	before := sub.pushed()
	answer, err := c.wire.request(r)
	if err != nil {
		return err
	}
	list, ok := answer.(*rpc_response.SubscribeServiceResponse)
	switch {
	case !ok:
		return fmt.Errorf("nacos: subscribe: the registry answers %s", answer.GetResponseType())
	case !list.IsSuccess():
		return c.refused()
	}
	if !c.isClosing() && !sub.answered(&list.ServiceInfo, before) {
		c.repeatOf(sub)
	}
	return nil
}

// pushedTo takes a list that was pushed. One that is older than what we have was overtaken, or the registry's clock was
// set back: we ask (alibaba/nacos#14042; the SDK's own client drops every list until the clock has caught up).
func (c *Client) pushedTo(list *model.Service) {
	if c.isClosing() || list.Clusters != "" {
		return
	}
	c.reached.Store(true)
	c.mu.Lock()
	sub := c.subs[keyOf(list.Name, list.GroupName)]
	c.mu.Unlock()
	if sub != nil && !sub.push(list) {
		c.repeatOf(sub)
	}
}

func (s *subscription) pushed() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pushes
}

// push reports false when the list is older than the last one.
func (s *subscription) push(list *model.Service) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heard && list.LastRefTime < s.stamp {
		return false
	}
	s.pushes++
	s.take(list)
	return true
}

// answered takes the answer to a request, whatever its stamp, unless something was pushed in the meantime. It reports false when
// the answer may be newer than that: only another one can tell.
func (s *subscription) answered(list *model.Service, before uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pushes != before {
		return list.LastRefTime <= s.stamp
	}
	s.take(list)
	return true
}

func (s *subscription) take(list *model.Service) {
	hosts := slices.SortedFunc(slices.Values(list.Hosts), func(a, b Instance) int {
		return cmp.Or(cmp.Compare(a.Ip, b.Ip), cmp.Compare(a.Port, b.Port), cmp.Compare(a.ClusterName, b.ClusterName))
	})
	s.stamp = list.LastRefTime
	if s.heard && reflect.DeepEqual(hosts, s.last) {
		return
	}
	s.heard, s.last = true, hosts
	s.f(slices.Clone(hosts))
}
