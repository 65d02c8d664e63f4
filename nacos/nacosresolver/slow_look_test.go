// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc/resolver"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A look at the open list that is not answered holds up no list of the subscription.
func TestSlowLookHoldsNothingUp(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	asked := make(chan struct{}, 10)
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(slow.Close)
	at, err := url.Parse(slow.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(at.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, registry, "orders", "10.0.0.1:1")
	b := nacosresolver.NewBuilder(nacosresolver.Config{
		Servers: []string{registry.Addr()},
		Customize: func(p *vo.NacosClientParam) { // lists over HTTP are asked for there
			p.ServerConfigs[0].GrpcPort, p.ServerConfigs[0].Port = p.ServerConfigs[0].Port+1000, port
		},
	})
	c, r := build(t, b, "nacos:///orders")
	t.Cleanup(r.Close)
	c.want(t, "10.0.0.1:1/100")
	r.ResolveNow(resolver.ResolveNowOptions{})
	select {
	case <-asked:
	case <-time.After(patience):
		t.Fatalf("no look at the open list in %v", patience)
	}
	began := time.Now()
	publish(t, registry, "orders", "10.0.0.2:1")
	c.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100")
	if d := time.Since(began); d > 1500*time.Millisecond { // the look takes 2 s
		t.Errorf("the new list took %v, want no wait for the look", d)
	}
}

// Where the gRPC port is closed, the open list is better than nothing, and is followed.
func TestOpenListAlone(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	b := nacosresolver.NewBuilder(nacosresolver.Config{
		Servers:   []string{registry.Addr()},
		Customize: func(p *vo.NacosClientParam) { p.ServerConfigs[0].GrpcPort = 1 },
	})
	c, r := build(t, b, "nacos:///orders")
	t.Cleanup(r.Close)
	c.want(t, "10.0.0.1:1/100")
	publish(t, registry, "orders", "10.0.0.2:1")
	c.want(t, "10.0.0.1:1/100", "10.0.0.2:1/100")
}
