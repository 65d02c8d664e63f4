// SPDX-License-Identifier: Apache-2.0

package health

import (
	"context"
	"maps"
	"sync"

	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Wrapped is a health server of grpc-go that was there before, as far as it can be drained. All methods may be called at
// any time from any goroutine.
type Wrapped struct {
	stock *health.Server

	mu     sync.Mutex
	before map[string]healthpb.HealthCheckResponse_ServingStatus // what Shutdown has replaced; nil while it is in force
}

// Wrap is for a program in which a base library has registered grpc-go's health server already: a second one would be a
// fatal duplicate registration. Use Register where you can. The services "readiness", "traffic" and "liveness" are added
// to stock.
//
// It has limits. Check and Watch of stock cannot be told apart, so Check goes on saying SERVING while a Watch is to be
// left alone: balancers that pull have to ask for the service "traffic". Watches of stock cannot be ended: clients with
// health checking end theirs at GOAWAY, and anybody else's holds GracefulStop until the budget is used up (grpc-go
// v1.85.0). A status that the program sets between Shutdown and Resume is shown at once, and stays. Before the first Resume
// "" is SERVING, as stock has it.
func Wrap(stock *health.Server) *Wrapped {
	stock.SetServingStatus(Liveness, serving)
	stock.SetServingStatus(Readiness, notServing)
	stock.SetServingStatus(Traffic, notServing)
	return &Wrapped{stock: stock}
}

// CloseTraffic says NOT_SERVING for Traffic.
func (w *Wrapped) CloseTraffic() { w.stock.SetServingStatus(Traffic, notServing) }

// Drain says NOT_SERVING for Traffic, and leaves all else alone.
func (w *Wrapped) Drain() { w.CloseTraffic() }

// Shutdown says NOT_SERVING for every service but Liveness and Readiness, and remembers what was said before.
func (w *Wrapped) Shutdown() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.CloseTraffic()
	if w.before != nil {
		return
	}
	w.before = w.statuses()
	for service := range w.before {
		w.stock.SetServingStatus(service, notServing)
	}
}

// Resume says SERVING for Traffic, and for all else what was said before Shutdown.
func (w *Wrapped) Resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.statuses()
	for service, status := range w.before {
		if now[service] == notServing { // else the program has set it since
			w.stock.SetServingStatus(service, status)
		}
	}
	w.before = nil
	w.stock.SetServingStatus(Traffic, serving)
}

// SetReady is what Readiness says.
func (w *Wrapped) SetReady(ready bool) {
	status := notServing
	if ready {
		status = serving
	}
	w.stock.SetServingStatus(Readiness, status)
}

// EndWatches does nothing: see Wrap.
func (w *Wrapped) EndWatches() {}

// statuses has those that are the program's.
func (w *Wrapped) statuses() map[string]healthpb.HealthCheckResponse_ServingStatus {
	list, err := w.stock.List(context.Background(), &healthpb.HealthListRequest{})
	if err != nil { // more than a hundred services
		return map[string]healthpb.HealthCheckResponse_ServingStatus{"": serving}
	}
	out := map[string]healthpb.HealthCheckResponse_ServingStatus{}
	for service, answer := range list.GetStatuses() {
		out[service] = answer.GetStatus()
	}
	maps.DeleteFunc(out, func(service string, _ healthpb.HealthCheckResponse_ServingStatus) bool {
		return service == Liveness || service == Readiness || service == Traffic
	})
	return out
}
