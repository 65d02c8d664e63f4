// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/lameduck-go/lameduck/health"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
)

type servingStatus = healthpb.HealthCheckResponse_ServingStatus

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
	unknown    = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
)

// backend is a server with a health service, in memory.
type backend struct {
	*grpc.Server
	health  *health.Server
	lis     *bufconn.Listener
	watches atomic.Int64 // opened so far
	calls   atomic.Int64 // unary calls so far
}

func serve(t *testing.T) *backend {
	t.Helper()
	b := &backend{lis: bufconn.Listen(1 << 16)}
	b.Server = grpc.NewServer(
		grpc.StreamInterceptor(func(srv any, ss grpc.ServerStream, _ *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			b.watches.Add(1)
			return h(srv, ss)
		}),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			b.calls.Add(1)
			return h(ctx, req)
		}))
	b.health = health.Register(b)
	return b
}

// start begins to serve, until the test ends.
func (b *backend) start(t *testing.T) *backend {
	served := make(chan error, 1)
	go func() { served <- b.Serve(b.lis) }()
	t.Cleanup(func() {
		b.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return b
}

func (b *backend) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///backend", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.lis.DialContext(ctx) }))
	if err != nil {
		t.Fatalf("NewClient() = %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

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

// watcher collects what a Watch receives.
type watcher struct {
	t      *testing.T
	got    chan servingStatus
	end    chan error
	cancel context.CancelFunc
}

func watch(t *testing.T, client healthpb.HealthClient, service string) *watcher {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: service})
	if err != nil {
		t.Fatalf("Watch() = %v", err)
	}
	w := &watcher{t: t, got: make(chan servingStatus, 1000), end: make(chan error, 1), cancel: cancel}
	go func() {
		for {
			resp, err := stream.Recv()
			if err != nil {
				w.end <- err
				return
			}
			w.got <- resp.GetStatus()
		}
	}()
	return w
}

// want takes what has come since the last look.
func (w *watcher) want(want ...servingStatus) {
	w.t.Helper()
	synctest.Wait()
	var got []servingStatus
	for len(w.got) > 0 {
		got = append(got, <-w.got)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Errorf("Watch received %v, want %v", got, want)
	}
}

// wantEnd waits for the end.
func (w *watcher) wantEnd(want error) {
	w.t.Helper()
	synctest.Wait()
	select {
	case err := <-w.end:
		if err != want {
			w.t.Errorf("Watch ended with %v, want %v", err, want)
		}
	default:
		w.t.Errorf("Watch goes on, want its end: %v", want)
	}
}

func TestWatchSendsChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		w, live := watch(t, client, ""), watch(t, client, health.Liveness)
		w.want(notServing)
		live.want(serving)
		b.health.Resume()
		b.health.Resume()
		w.want(serving)
		b.health.SetServingStatus("", serving)
		b.health.SetServingStatus("orders", notServing)
		w.want()
		b.health.Shutdown()
		b.health.SetServingStatus("", serving)
		w.want(notServing)
		b.health.Resume()
		w.want(serving)
		live.want()
		w.cancel()
		synctest.Wait()
		if err := <-w.end; status.Code(err) != codes.Canceled {
			t.Errorf("Watch that the client left ended with %v, want Canceled", err)
		}
	})
}

func TestEndWatchesLetsGracefulStopReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		b.health.Resume()
		w, live := watch(t, client, ""), watch(t, client, health.Liveness)
		w.want(serving)
		live.want(serving)
		b.health.Shutdown()
		w.want(notServing)
		stopped := make(chan struct{})
		go func() { b.GracefulStop(); close(stopped) }()
		synctest.Wait()
		select {
		case <-stopped:
			t.Error("GracefulStop() returned while Watches were open")
		default:
		}
		b.health.EndWatches()
		b.health.EndWatches()
		w.wantEnd(io.EOF)
		live.wantEnd(io.EOF)
		<-stopped
	})
}

func TestWatchAfterEndWatchesEndsWithoutAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		b.health.EndWatches()
		b.health.Resume()
		w := watch(t, client, "")
		w.wantEnd(io.EOF)
		w.want()
		if _, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil {
			t.Errorf("Check() after EndWatches() = %v, want nil", err)
		}
	})
}
