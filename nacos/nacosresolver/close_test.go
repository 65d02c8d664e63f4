// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in %v: %s", patience, what)
		}
	}
}

// goroutines returns the stacks of goroutines of this module and of the SDK.
func goroutines() []string {
	buf := make([]byte, 1<<20)
	var out []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "nacos/internal/sdk") || strings.Contains(stack, "nacos/nacosresolver.") ||
			strings.Contains(stack, "nacos-sdk-go") {
			out = append(out, stack)
		}
	}
	return out
}

func TestCloseLeavesNoGoroutine(t *testing.T) { // not parallel: it counts those of the process
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("goroutines left:\n%s", strings.Join(goroutines(), "\n\n"))
		}
	})
	registry := nacostest.Start(t)
	publish(t, registry, "orders", "10.0.0.1:1")
	for range 3 {
		c := newChannel()
		r, err := nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}}).
			Build(target(t, "nacos:///orders"), c, resolver.BuildOptions{})
		if err != nil {
			t.Fatalf("Build() = %v, want nil", err)
		}
		c.want(t, "10.0.0.1:1/100")
		r.ResolveNow(resolver.ResolveNowOptions{})
		r.Close()
	}
	eventually(t, "the registry sees no connection", func() bool { return registry.Connections() == 0 })
	// The SDK ends a moment after its connection.
	eventually(t, "no goroutine is left", func() bool { return len(goroutines()) == 0 })
}
