// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// watched is what a plain client saw that keeps one Watch of the health service open.
type watched struct {
	first, lastAt time.Time
	last          healthpb.HealthCheckResponse_ServingStatus
	ended         time.Time
	err           error
}

// watchHealth opens one Watch, and returns when it has ended.
func (w *world) watchHealth(i *instance) {
	conn := dial(w.network, "passthrough:///"+i.at.name)
	defer conn.Close()
	stream, err := healthpb.NewHealthClient(conn).Watch(context.Background(), &healthpb.HealthCheckRequest{})
	for err == nil {
		var resp *healthpb.HealthCheckResponse
		if resp, err = stream.Recv(); err == nil {
			i.note(func() {
				i.watch.last, i.watch.lastAt = resp.GetStatus(), time.Now()
				if i.watch.first.IsZero() {
					i.watch.first = time.Now()
				}
			})
		}
	}
	i.note(func() { i.watch.ended, i.watch.err = time.Now(), err })
}

// countWatches counts the Watches that are opened: a client whose Watch has ended too early opens it again at once.
func (i *instance) countWatches(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if info.FullMethod == healthpb.Health_Watch_FullMethodName {
		i.note(func() { i.watches++ })
	}
	return handler(srv, ss)
}

const (
	watchesMost  = 10                     // each client opens one or two
	noticeLimit  = 100 * time.Millisecond // from the begin of GracefulStop until Watches have ended
	scheduleSlop = 5 * time.Millisecond
)

// checkWatch: open until GOAWAY is out, and told NOT_SERVING only where it was meant to be.
func (i *instance) checkWatch(wrong func(string, ...any)) {
	watch, latency := i.watch, 2*i.schedule.Latency+scheduleSlop
	if i.watches > watchesMost {
		wrong("%d health Watches were opened", i.watches)
	}
	if watch.first.IsZero() {
		return
	}
	if watch.ended.Before(i.closedAt) {
		wrong("a health Watch ended %v before GOAWAY: %v", i.closedAt.Sub(watch.ended), watch.err)
	}
	if after := watch.ended.Sub(i.closedAt); after > noticeLimit+latency {
		wrong("a health Watch ended %v after GOAWAY", after)
	}
	if i.strategy != Lossless {
		return
	}
	want := healthpb.HealthCheckResponse_SERVING
	if n := len(i.shut); n > 0 && i.shut[n-1].end.IsZero() {
		want = healthpb.HealthCheckResponse_NOT_SERVING
	}
	// What was said in the last moment may not have come.
	last := time.Time{}
	for _, s := range i.shut {
		last = latest(last, s.begin, s.end)
	}
	if watch.last != want && watch.ended.Sub(last) > latency {
		wrong("a health Watch last heard %v, want %v", watch.last, want)
	}
}
