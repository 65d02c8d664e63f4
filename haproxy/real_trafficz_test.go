// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// TestRealTrafficz restarts two servers that HAProxy takes out of service by itself, since it pulls /trafficz. Settle is
// what docs/balancers.md says.
func TestRealTrafficz(t *testing.T) {
	t.Parallel()
	const inter, fall, timeout = 200 * time.Millisecond, 3, time.Second // a busy machine answers late
	for name, test := range map[string]struct {
		lines  []string
		settle time.Duration
		gone   string // the status of a server that has gone
	}{
		"503": {[]string{"option httpchk GET /trafficz"}, (fall+1)*inter + timeout, "DOWN"},
		"404": {[]string{"option httpchk GET /trafficz?gone=404", "http-check disable-on-404"}, 2*inter + timeout, "NOLB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addrs, probes, e := freeAddrs(t, 2), freeAddrs(t, 2), newExecutions()
			lines := slices.Concat(test.lines, []string{fmt.Sprintf("timeout check %dms", timeout.Milliseconds())})
			for i, addr := range addrs {
				_, port, _ := strings.Cut(probes[i], ":")
				lines = append(lines, fmt.Sprintf("server s%d %s proto h2 check check-proto h1 port %s inter %dms fall %d rise 1", i+1, addr, port, inter.Milliseconds(), fall))
			}
			p := start(t, lines...)
			run := func(i int) *replica {
				var probe atomic.Pointer[http.Handler]
				srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					if h := probe.Load(); h != nil {
						(*h).ServeHTTP(w, req)
						return
					}
					http.Error(w, "not yet", http.StatusServiceUnavailable)
				})}
				r := startReplica(t, addrs[i], e, lifecycle.WithSettle(test.settle),
					lifecycle.WithAdmin(lifecycle.HTTPServer(srv), listen(t, probes[i])))
				handler := admin.Probes(r.Manager)
				probe.Store(&handler)
				p.awaitStatus(fmt.Sprint("s", i+1), "UP")
				return r
			}
			replicas := []*replica{run(0), run(1)}
			load := startLoad(t, p.front())
			for i, r := range replicas {
				r.stop()
				p.awaitStatus(fmt.Sprint("s", i+1), test.gone)
				r.goOffline(t)
				run(i)
			}
			load.wantNothingLost(t, e, "trafficz, "+name)
		})
	}
}
