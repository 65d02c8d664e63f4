// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// wantHealth asks as a probe does.
func (i *instance) wantHealth(t *testing.T, when string, want map[string]bool) {
	t.Helper()
	for service, serving := range want {
		if got := i.checkHealth(t, service); (got == healthpb.HealthCheckResponse_SERVING) != serving {
			t.Errorf("%s: health of %q = %v, want SERVING: %t", when, service, got, serving)
		}
	}
}

// TestFourQuestions: health, readiness, traffic and liveness have answers of their own.
func TestFourQuestions(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	i := startInstance(t, registry)
	i.wantHealth(t, "serving", map[string]bool{"": true, health.Readiness: true, health.Traffic: true, health.Liveness: true})

	registry.SetEnabled(service, i.addr, false)
	i.await(t, "draining", func() bool { return i.Status().State == lifecycle.Draining })
	i.wantHealth(t, "parked", map[string]bool{"": false, health.Readiness: false, health.Traffic: false, health.Liveness: true})
	registry.SetEnabled(service, i.addr, true)
	i.await(t, "serving again", func() bool { return i.Status().State == lifecycle.Serving })
	i.wantHealth(t, "online again", map[string]bool{"": true, health.Readiness: true, health.Traffic: true, health.Liveness: true})

	i.stop()
	i.await(t, "draining", func() bool { return i.Status().State == lifecycle.Draining })
	i.wantHealth(t, "told to go", map[string]bool{"": false, health.Readiness: true, health.Traffic: false, health.Liveness: true})
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestReadinessWhileNobodyListsIt: a rollout must not replace every instance by one that nobody can find.
func TestReadinessWhileNobodyListsIt(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.FailNext(nacostest.Forbidden, -1, nacostest.Register)
	i := startServing(t, registry, nil)
	i.wantHealth(t, "not listed", map[string]bool{"": true, health.Readiness: false, health.Traffic: true, health.Liveness: true})
	if i.Status().Ready {
		t.Error("Status().Ready = true, want false: nobody lists it")
	}
	also := startServing(t, registry, nil, lifecycle.WithReadyUnlisted(500*time.Millisecond))
	also.await(t, "ready", func() bool { return also.Status().Ready })
	also.wantHealth(t, "not listed, and ready all the same", map[string]bool{"": true, health.Readiness: true})
}
