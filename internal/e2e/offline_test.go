// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// TestOperatorOfflineAndOnline is the operator's way under load: offline in the console, online again, offline, and
// then the process is told to go.
func TestOperatorOfflineAndOnline(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	i := startInstance(t, registry)
	load := startLoad(t, registry)

	registry.SetEnabled(service, i.addr, false)
	i.await(t, "draining", func() bool { return i.Status().State == lifecycle.Draining })
	if got := i.checkHealth(t, ""); got != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("health of the server = %v, want NOT_SERVING", got)
	}
	if got := i.checkHealth(t, health.Liveness); got != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("liveness = %v, want SERVING", got)
	}
	before := i.Status().Calls.Late
	i.await(t, "still serving calls", func() bool { return i.Status().Calls.Late > before })

	registry.SetEnabled(service, i.addr, true)
	i.await(t, "serving again", func() bool { return i.Status().State == lifecycle.Serving })
	if got := i.checkHealth(t, ""); got != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("health of the server = %v, want SERVING", got)
	}
	if list := registry.Instances(service); len(list) != 1 || !list[0].Enabled {
		t.Errorf("Instances() = %+v, want the instance, enabled", list)
	}
	load.end(t)

	registry.SetEnabled(service, i.addr, false)
	i.await(t, "draining", func() bool { return i.Status().State == lifecycle.Draining })
	time.Sleep(10 * time.Second) // the Park lasts longer than settle can
	told := time.Now()
	i.stop()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(told); took > 1500*time.Millisecond {
		t.Errorf("exit took %v after ten seconds of Park, want under 1.5 s", took)
	}
	if list := registry.Instances(service); len(list) != 0 {
		t.Errorf("Instances() = %+v, want none after the exit", list)
	}
}

// TestFlappingOperator: offline and online faster than it takes to be sure who did it. Nothing is lost, and what holds
// in the end holds.
func TestFlappingOperator(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	i := startInstance(t, registry)
	startInstance(t, registry) // so that there is somebody to call
	load := startLoad(t, registry)
	for range 20 {
		for _, enabled := range []bool{false, true} {
			registry.SetEnabled(service, i.addr, enabled)
			time.Sleep(300 * time.Millisecond)
		}
	}
	registry.SetEnabled(service, i.addr, false)
	i.await(t, "draining", func() bool { return i.Status().State == lifecycle.Draining })
	registry.SetEnabled(service, i.addr, true)
	i.await(t, "serving", func() bool { return i.Status().Ready })
	load.end(t)
	i.stop()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

func TestIdleDrainTakesSettleAndQuiet(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	i := startInstance(t, registry)
	if err := i.Drain(t.Context(), lifecycle.DrainLast()); err != nil {
		t.Fatalf("Drain() = %v, want nil", err)
	}
	report := i.Report()
	want := 500*time.Millisecond + lifecycle.DefaultQuiet
	// On a machine that stands still the quiet window starts again, until the limit.
	if got := report.Began.Add(report.Took).Sub(report.Registrars[0].Absent); got < want || got > want+lifecycle.QuietLimit {
		t.Errorf("drain ended %v after the confirmation, want settle and quiet, %v", got, want)
	}
	if list := registry.Instances(service); len(list) != 0 {
		t.Errorf("Instances() = %+v, want none", list)
	}
}

// TestDrainResumeDrain: each time the instance leaves the registry and is in it again, and health says what it said.
func TestDrainResumeDrain(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	i := startInstance(t, registry, lifecycle.WithQuiet(100*time.Millisecond))
	i.health.SetServingStatus("up", healthpb.HealthCheckResponse_SERVING)
	i.health.SetServingStatus("down", healthpb.HealthCheckResponse_NOT_SERVING)
	check := func(when string, listed int, up, down, server healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if list := registry.Instances(service); len(list) != listed {
			t.Errorf("%s: Instances() = %+v, want %d", when, list, listed)
		}
		for name, want := range map[string]healthpb.HealthCheckResponse_ServingStatus{"up": up, "down": down, "": server} {
			if got := i.checkHealth(t, name); got != want {
				t.Errorf("%s: health of %q = %v, want %v", when, name, got, want)
			}
		}
	}
	const serving, not = healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING
	check("at first", 1, serving, not, serving)
	for range 2 {
		if err := i.Drain(t.Context(), lifecycle.DrainLast()); err != nil {
			t.Fatalf("Drain() = %v, want nil", err)
		}
		check("drained", 0, not, not, not)
		if err := i.Resume(t.Context()); err != nil {
			t.Fatalf("Resume() = %v, want nil", err)
		}
		check("resumed", 1, serving, not, serving)
	}
}

func TestCallInFlightIsNotCut(t *testing.T) {
	t.Parallel()
	i := startInstance(t, nil, lifecycle.WithSettle(0), lifecycle.WithQuiet(0))
	conn := i.dial(t)
	i.slow <- 2 * time.Second
	result := make(chan error, 1)
	go func() {
		_, err := testpb.NewTestServiceClient(conn).EmptyCall(t.Context(), &testpb.Empty{})
		result <- err
	}()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	i.stop()
	if err := <-result; err != nil {
		t.Errorf("EmptyCall() = %v, want nil", err)
	}
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestRestartUnderLoad replaces the only instance while a client calls.
func TestRestartUnderLoad(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	old := startInstance(t, registry)
	load := startLoad(t, registry)
	startInstance(t, registry)
	old.stop()
	if err := old.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	load.end(t)
}
