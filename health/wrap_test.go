// SPDX-License-Identifier: Apache-2.0

package health

import (
	"testing"

	stock "google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func TestWrap(t *testing.T) {
	s := stock.NewServer()
	s.SetServingStatus("orders", serving)
	s.SetServingStatus("broken", notServing)
	w := Wrap(s)
	want := func(when string, statuses map[string]healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for service, status := range statuses {
			got, err := s.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
			if err != nil || got.GetStatus() != status {
				t.Errorf("%s: %q is %v, %v; want %v", when, service, got.GetStatus(), err, status)
			}
		}
	}
	type m = map[string]healthpb.HealthCheckResponse_ServingStatus
	want("at first", m{Liveness: serving, Readiness: notServing, Traffic: notServing})
	w.Resume()
	w.SetReady(true)
	want("serving", m{"": serving, "orders": serving, "broken": notServing, Liveness: serving, Readiness: serving, Traffic: serving})
	w.Drain()
	want("lame duck", m{"": serving, "orders": serving, Readiness: serving, Traffic: notServing})
	w.Shutdown()
	w.Shutdown()
	want("shut", m{"": notServing, "orders": notServing, "broken": notServing, Liveness: serving, Readiness: serving, Traffic: notServing})
	s.SetServingStatus("orders", healthpb.HealthCheckResponse_UNKNOWN)
	w.SetReady(false)
	w.EndWatches()
	want("shut, and set", m{"orders": healthpb.HealthCheckResponse_UNKNOWN, Readiness: notServing, Liveness: serving})
	w.Resume()
	want("back", m{"": serving, "orders": healthpb.HealthCheckResponse_UNKNOWN, "broken": notServing, Traffic: serving, Liveness: serving})
}
