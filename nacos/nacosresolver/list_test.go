// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestFollowsTheList(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "shop@@orders", "10.0.0.1:1")
	c := follow(t, nacosresolver.Config{Servers: []string{registry.Addr()}}, "nacos:///orders?group=shop")
	c.want(t, "10.0.0.1:1/100")
	withdraw := publish(t, registry, "shop@@orders", "10.0.0.2:2", func(i *nacostest.Instance) { i.Weight = 2.5 })
	c.want(t, "10.0.0.1:1/100", "10.0.0.2:2/250")
	withdraw()
	c.want(t, "10.0.0.1:1/100")
}

func TestOnlyWhatMayBeCalled(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1", func(i *nacostest.Instance) { i.Healthy = false })
	publish(t, registry, "orders", "10.0.0.2:1", func(i *nacostest.Instance) { i.Enabled = false })
	publish(t, registry, "orders", "10.0.0.3:1", func(i *nacostest.Instance) { i.Weight = 0 })
	publish(t, registry, "orders", "10.0.0.4:1", func(i *nacostest.Instance) { i.Cluster = "a" })
	publish(t, registry, "orders", "10.0.0.5:1", func(i *nacostest.Instance) { i.Cluster = "b"; i.Weight = 0.001 })
	publish(t, registry, "orders", "10.0.0.5:1", func(i *nacostest.Instance) { i.Cluster = "c" })
	publish(t, registry, "orders", "[fd00::1]:1", func(i *nacostest.Instance) { i.Cluster = "a" })

	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}}
	follow(t, cfg, "nacos:///orders").want(t, "10.0.0.4:1/100", "10.0.0.5:1/1", "[fd00::1]:1/100")
	follow(t, cfg, "nacos:///orders?cluster=a").want(t, "10.0.0.4:1/100", "[fd00::1]:1/100")
	follow(t, cfg, "nacos:///orders?cluster=b,c").want(t, "10.0.0.5:1/1")
}

// lines counts log lines that have a text in them.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func TestEmptyListKeepsTheLast(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	var log lines
	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	c := follow(t, cfg, "nacos:///orders")
	c.wantError(t, "no usable instance") // never an empty state

	withdraw := publish(t, registry, "orders", "10.0.0.1:1")
	c.want(t, "10.0.0.1:1/100")
	withdraw()
	eventually(t, "the empty list is logged", func() bool { return log.count("keeping the last list") == 1 })

	// An unhealthy one makes it no better, and is not worth another line.
	sick := publish(t, registry, "orders", "10.0.0.1:1", func(i *nacostest.Instance) { i.Healthy = false })
	publish(t, registry, "orders", "10.0.0.2:2")
	c.want(t, "10.0.0.2:2/100")
	sick()
	if n := log.count("keeping the last list"); n != 1 {
		t.Errorf("%d log lines about the empty list, want 1", n)
	}
	if len(c.errs) != 0 {
		t.Errorf("ReportError(%v) after a good list, want none", <-c.errs)
	}
}
