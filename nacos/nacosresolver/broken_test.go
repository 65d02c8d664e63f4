// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"context"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// TestBlindSubscriptionIsNotBelievedForEver: after an empty list the registry pushes nothing any more.
func TestBlindSubscriptionIsNotBelievedForEver(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	old, next := backend(t), backend(t)
	withdraw, err := registry.Publish("orders", old)
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, registry, "nacos:///orders")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true)); err != nil {
		t.Fatalf("Check() = %v, want nil", err)
	}
	registry.LoseSubscription("orders", "")
	if _, err := registry.Publish("orders", next); err != nil {
		t.Fatal(err)
	}
	withdraw()
	for ctx.Err() == nil {
		var p peer.Peer
		if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Peer(&p)); err != nil {
			t.Fatalf("Check() = %v, want nil: the old instance serves as long as it is known", err)
		}
		if p.Addr.String() == next {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("no call reaches the new instance, want a second look at the registry")
}
