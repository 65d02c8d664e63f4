// SPDX-License-Identifier: Apache-2.0

// Package health is the standard gRPC health service (grpc.health.v1) of a server that can go offline
// and come back: its statuses can be withdrawn without being forgotten, and its Watches can be ended
// so that GracefulStop does not wait for them.
//
//	hs := health.Register(srv) // instead of grpc-go's health server
//	hs.SetServingStatus("shop.v1.Orders", healthpb.HealthCheckResponse_SERVING)
//
// What a client sees:
//
//	              until Resume   serving              Shutdown       EndWatches
//	""            NOT_SERVING    SERVING or as set    NOT_SERVING    no Watch answers, Check as before
//	as set        NOT_SERVING    as set               NOT_SERVING
//	"liveness"    SERVING, or as set, all the time
//	never set     NOT_FOUND from Check, SERVICE_UNKNOWN from Watch
package health

import (
	"maps"
	"sync"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// Liveness is a service that is SERVING from the start, whatever Shutdown and Resume do: for liveness
// probes, so that an instance that is parked or draining is not restarted. Only SetServingStatus
// changes it.
const Liveness = "liveness"

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

// Server holds the statuses. Make it with Register. All methods may be called at any time from any
// goroutine, return at once, and may be repeated.
type Server struct {
	mu       sync.Mutex // guards the fields below
	statuses map[string]healthpb.HealthCheckResponse_ServingStatus
	resumed  bool
	ended    bool
	changed  chan struct{} // closed and replaced with every change
}

// Register registers the health service with r, usually a *grpc.Server, and returns its Server. Every
// service but Liveness is NOT_SERVING until Resume. Like every registration it has to come before
// Serve, and grpc-go ends the process when r has a health service already.
func Register(r grpc.ServiceRegistrar) *Server {
	s := &Server{
		statuses: map[string]healthpb.HealthCheckResponse_ServingStatus{"": serving, Liveness: serving},
		changed:  make(chan struct{}),
	}
	healthpb.RegisterHealthServer(r, &service{server: s})
	return s
}

// SetServingStatus sets the status of a service and makes the service known. The empty name is the
// server as a whole. Before the first Resume and after Shutdown the status is remembered and shown
// from the next Resume on; the service is NOT_SERVING until then. Nothing is ever forgotten.
func (s *Server) SetServingStatus(service string, st healthpb.HealthCheckResponse_ServingStatus) {
	s.update(func() { s.statuses[service] = st })
}

// Shutdown makes every service but Liveness NOT_SERVING. Watches are told and stay open: a Watch that
// ends after its first message is opened again without any backoff by grpc-go clients, thousands of
// times a second (v1.85, health/client.go).
func (s *Server) Shutdown() { s.update(func() { s.resumed = false }) }

// Resume shows the statuses as they were set; "" is SERVING unless set otherwise.
func (s *Server) Resume() { s.update(func() { s.resumed = true }) }

// EndWatches makes all Watches return, and later ones at once and without a message, after which
// clients back off. Call it once GracefulStop has begun, which otherwise waits for the Watches of
// probes and of clients that do their own health checking. It cannot be undone; Check and List go on.
func (s *Server) EndWatches() { s.update(func() { s.ended = true }) }

func (s *Server) update(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// shown returns the status that a service has for clients, and whether the service is known.
func (s *Server) shown(service string) (st healthpb.HealthCheckResponse_ServingStatus, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shownLocked(service)
}

func (s *Server) shownLocked(service string) (st healthpb.HealthCheckResponse_ServingStatus, known bool) {
	st, known = s.statuses[service]
	switch {
	case !known:
		return healthpb.HealthCheckResponse_SERVICE_UNKNOWN, false
	case s.resumed || service == Liveness:
		return st, true
	}
	return notServing, true
}

// all returns what shown returns for every known service.
func (s *Server) all() map[string]healthpb.HealthCheckResponse_ServingStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	statuses := maps.Clone(s.statuses)
	for service := range statuses {
		statuses[service], _ = s.shownLocked(service)
	}
	return statuses
}

// look is one look of a Watch: the status, a channel that closes when a further look may show
// something else, and whether Watches are to end.
func (s *Server) look(service string) (st healthpb.HealthCheckResponse_ServingStatus, changed <-chan struct{}, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, _ = s.shownLocked(service)
	return st, s.changed, s.ended
}
