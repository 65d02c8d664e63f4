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
		down := map[string]servingStatus{"": notServing, "orders": notServing, "stock": notServing, health.Liveness: serving}
		wantStatuses(t, "before Resume", conn, down)

		b.health.Resume()
		wantStatuses(t, "serving", conn,
			map[string]servingStatus{"": serving, "orders": serving, "stock": notServing, health.Liveness: serving})

		b.health.Shutdown()
		b.health.Shutdown()
		wantStatuses(t, "draining", conn, down)

		b.health.SetServingStatus("orders", notServing)
		b.health.SetServingStatus("stock", serving)
		b.health.SetServingStatus("new", serving)
		down["new"] = notServing
		wantStatuses(t, "set while draining", conn, down)

		b.health.Resume()
		wantStatuses(t, "serving again", conn,
			map[string]servingStatus{"": serving, "orders": notServing, "stock": serving, "new": serving, health.Liveness: serving})

		b.health.SetServingStatus("", notServing)
		b.health.SetServingStatus(health.Liveness, notServing)
		b.health.Shutdown()
		b.health.Resume()
		wantStatuses(t, "with the empty service and liveness set", conn,
			map[string]servingStatus{"": notServing, "orders": notServing, "stock": serving, "new": serving, health.Liveness: notServing})
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
		for i := range 98 { // "" and Liveness are there already
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
