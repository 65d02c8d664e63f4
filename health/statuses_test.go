// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"fmt"
	"maps"
	"testing"
	"testing/synctest"

	"github.com/lameduck-go/lameduck/health"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// wantStatuses compares the answer of List, and of Check for each service in it.
func wantStatuses(t *testing.T, when string, conn *grpc.ClientConn, want map[string]servingStatus) {
	t.Helper()
	client := healthpb.NewHealthClient(conn)
	list, err := client.List(t.Context(), &healthpb.HealthListRequest{})
	if err != nil {
		t.Fatalf("%s: List() = %v", when, err)
	}
	got := map[string]servingStatus{}
	for service, resp := range list.GetStatuses() {
		got[service] = resp.GetStatus()
		check, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: service})
		if err != nil || check.GetStatus() != resp.GetStatus() {
			t.Errorf("%s: Check(%q) = %v, %v, want %v as in List", when, service, check.GetStatus(), err, resp.GetStatus())
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("%s: List() = %v, want %v", when, got, want)
	}
}

func TestStatusesAreWithdrawnNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		b.health.SetServingStatus("orders", serving)
		b.health.SetServingStatus("stock", notServing)
		conn := b.start(t).dial(t)
		down := map[string]servingStatus{
			"": notServing, "orders": notServing, "stock": notServing,
			health.Liveness: serving, health.Readiness: notServing, health.Traffic: notServing,
		}
		wantStatuses(t, "before Resume", conn, down)

		b.health.Resume()
		up := map[string]servingStatus{
			"": serving, "orders": serving, "stock": notServing,
			health.Liveness: serving, health.Readiness: notServing, health.Traffic: serving,
		}
		wantStatuses(t, "serving", conn, up)

		for name, withdraw := range map[string]func(){"drained": b.health.Drain, "shut down": b.health.Shutdown} {
			withdraw()
			withdraw()
			wantStatuses(t, name, conn, down)
			b.health.Resume()
			wantStatuses(t, name+", then resumed", conn, up)
		}

		b.health.Drain()
		b.health.SetServingStatus("orders", notServing)
		b.health.SetServingStatus("stock", serving)
		b.health.SetServingStatus("new", serving)
		down["new"] = notServing
		wantStatuses(t, "set while draining", conn, down)

		b.health.Resume()
		up["orders"], up["stock"], up["new"] = notServing, serving, serving
		wantStatuses(t, "serving again", conn, up)

		b.health.SetServingStatus("", notServing)
		b.health.SetServingStatus(health.Liveness, notServing)
		b.health.Shutdown()
		b.health.Resume()
		up[""], up[health.Liveness] = notServing, notServing
		wantStatuses(t, "with the empty service and liveness set", conn, up)
	})
}

// Each of the three has one more condition, and that is all that decides besides what the program has set.
func TestQuestionsOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		conn := b.start(t).dial(t)
		want := func(when string, liveness, readiness, traffic, whole servingStatus) {
			t.Helper()
			wantStatuses(t, when, conn, map[string]servingStatus{
				"": whole, health.Liveness: liveness, health.Readiness: readiness, health.Traffic: traffic,
			})
		}
		b.health.SetReady(true)
		want("ready before Resume", serving, serving, notServing, notServing)
		b.health.Resume()
		want("serving", serving, serving, serving, serving)
		b.health.CloseTraffic()
		want("closed for traffic", serving, serving, notServing, serving)
		b.health.Shutdown()
		want("shut down", serving, serving, notServing, notServing)
		b.health.SetReady(false)
		want("not ready", serving, notServing, notServing, notServing)
		b.health.SetReady(true)
		b.health.Resume()
		for _, service := range []string{health.Liveness, health.Readiness, health.Traffic} {
			b.health.SetServingStatus(service, notServing)
		}
		want("when the program says no", notServing, notServing, notServing, serving)
	})
}

func TestUnknownService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		b.health.Resume()
		_, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "orders"})
		if status.Code(err) != codes.NotFound {
			t.Errorf("Check() = %v, want NotFound", err)
		}
		w := watch(t, client, "orders")
		w.want(unknown)
		b.health.Shutdown()
		w.want()
		b.health.SetServingStatus("orders", serving)
		w.want(notServing)
		b.health.Resume()
		w.want(serving)
	})
}

func TestListHasALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		for i := range 96 { // "" and three more are there already
			b.health.SetServingStatus(fmt.Sprint("service-", i), serving)
		}
		if list, err := client.List(t.Context(), &healthpb.HealthListRequest{}); err != nil || len(list.GetStatuses()) != 100 {
			t.Errorf("List() of 100 = %d services, %v, want 100, nil", len(list.GetStatuses()), err)
		}
		b.health.SetServingStatus("one more", serving)
		if _, err := client.List(t.Context(), &healthpb.HealthListRequest{}); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("List() of 101 = %v, want ResourceExhausted", err)
		}
	})
}
