// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"testing/synctest"

	"github.com/lameduck-go/lameduck/health"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

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

// Watch and Check are two ways of asking, with two moments.
func TestDrainLeavesWatchesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		b.health.Resume()
		w, traffic := watch(t, client, ""), watch(t, client, health.Traffic)
		w.want(serving)
		traffic.want(serving)
		b.health.Drain()
		w.want()
		traffic.want(notServing)
		later := watch(t, client, "")
		later.want(serving)
		b.health.SetServingStatus("", notServing)
		w.want(notServing)
		b.health.SetServingStatus("", serving)
		w.want(serving)
		if check, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || check.GetStatus() != notServing {
			t.Errorf("Check() = %v, %v, want NOT_SERVING, nil", check.GetStatus(), err)
		}
		b.health.Shutdown()
		w.want(notServing)
		b.health.Drain()
		w.want()
		b.health.Resume()
		w.want(serving)
		traffic.want(serving)
	})
}

func TestEndWatchesLetsGracefulStopReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := serve(t)
		client := healthpb.NewHealthClient(b.start(t).dial(t))
		b.health.Resume()
		w, live, none := watch(t, client, ""), watch(t, client, health.Liveness), watch(t, client, "never set")
		w.want(serving)
		live.want(serving)
		none.want(unknown)
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
		none.wantEnd(io.EOF)
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
