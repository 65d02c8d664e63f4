// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// TestSuccessorOnAnotherNode replaces the only instance, whose successor has just become ready, under a consumer with
// health checking on a third node, that hears of the successor last.
func TestSuccessorOnAnotherNode(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 3)
	nodes[1].SyncDelay(nodes[2], 2*time.Second)
	settle := lifecycle.WithSettle(3 * time.Second)
	old := startInstance(t, nodes[0], settle, lifecycle.WithSuccessor(5*time.Second))
	time.Sleep(2 * time.Second) // everybody knows it
	load := startLoadTo(t, "nacos:///"+service, healthConfig,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{nodes[2].Addr()}})))
	next := startInstance(t, nodes[1], settle)
	old.stop()
	if err := old.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	next.await(t, "called", func() bool { return next.calls.Admitted() > 0 })
	load.end(t)
	phases := old.Report().Phases
	n := slices.IndexFunc(phases, func(p lifecycle.Phase) bool { return p.Name == "successor" })
	if n < 0 || phases[n].Took < 2*time.Second || phases[n].Error != "" {
		t.Errorf("phases = %+v, want that the successor has settled first", phases)
	}
}

// TestTwoServersBehindOneAddress takes one of them offline under a consumer with health checking, that has one
// connection to it, alone and beside a caller that never lets it go quiet.
func TestTwoServersBehindOneAddress(t *testing.T) {
	for name, busy := range map[string]bool{"alone": false, "beside a busy caller": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			going := startInstance(t, nil)
			vip := balance(t, going.addr, startInstance(t, nil).addr)
			load := startLoadTo(t, vip, healthConfig)
			if busy {
				startLoadTo(t, vip, plainConfig)
				startLoadTo(t, vip, plainConfig)
			}
			going.await(t, "called", func() bool { return going.calls.Admitted() > 0 })
			going.stop()
			if err := going.finish(t); err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			load.end(t)
		})
	}
}

// balance is a balancer of connections: it takes its backends in turn, and skips those that refuse.
func balance(t *testing.T, backends ...string) string {
	t.Helper()
	lis := listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		for n := 0; ; n++ {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			for i := range backends {
				if b, err := net.Dial("tcp", backends[(n+i)%len(backends)]); err == nil {
					running.Go(func() { pipe(b, c) })
					running.Go(func() { pipe(c, b) })
					break
				}
			}
		}
	})
	t.Cleanup(func() {
		lis.Close()
		running.Wait()
	})
	return lis.Addr().String()
}

// pipe hands on what comes, and the end.
func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}
