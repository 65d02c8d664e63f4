// SPDX-License-Identifier: Apache-2.0

// Package health is the standard gRPC health service (grpc.health.v1) of a server that can go offline
// and come back: its statuses can be withdrawn without being forgotten, and its Watches can be ended
// so that GracefulStop does not wait for them.
//
//	hs := health.Register(srv) // instead of grpc-go's health server
//	hs.SetServingStatus("shop.v1.Orders", healthpb.HealthCheckResponse_SERVING)
//
// There are two ways of asking, and they get two answers while a server drains. Balancers and probes
// pull by Check, and have other servers to go to. gRPC clients with health checking hold a Watch, and a
// NOT_SERVING fails all calls of a client that knows no other address yet, although this server would
// answer (270 of 682 with two servers behind one address, grpc-go v1.85). A Watch that is left alone
// until GOAWAY loses none: GOAWAY moves the client.
//
//	service       until Resume   serving            Drain, by Check   Drain, by Watch   Shutdown
//	""            NOT_SERVING    SERVING or as set  NOT_SERVING       as before         NOT_SERVING
//	as set        NOT_SERVING    as set             NOT_SERVING       as before         NOT_SERVING
//	"traffic"     NOT_SERVING    SERVING or as set  NOT_SERVING       NOT_SERVING       NOT_SERVING
//	"readiness"   what SetReady says, and as set, all the time
//	"liveness"    SERVING, or as set, all the time
//	never set     NOT_FOUND from Check, SERVICE_UNKNOWN from Watch
//
// After EndWatches no Watch answers, and Check goes on. List answers as Check does.
package health

import (
	"maps"
	"sync"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// The services that answer a question of their own. SetServingStatus sets a further condition for each
// of them: SERVING is shown while both hold.
const (
	// Liveness asks whether the process should be restarted. It is SERVING from the start, whatever
	// the other methods do, so that an instance that is parked or draining is left alone.
	Liveness = "liveness"
	// Readiness asks whether a rollout may go on, and whether Kubernetes may send traffic here. It is
	// what SetReady says.
	Readiness = "readiness"
	// Traffic asks whether new traffic may be sent here. It is NOT_SERVING from the trigger of an
	// offline on, for Check and for Watch: for balancers that pull.
	Traffic = "traffic"
)

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
)

// Server holds the statuses. Make it with Register. All methods may be called at any time from any
// goroutine, return at once, and may be repeated.
type Server struct {
	mu       sync.Mutex // guards the fields below
	statuses map[string]healthpb.HealthCheckResponse_ServingStatus
	traffic  bool // what was set is shown for Traffic
	check    bool // by Check, for all services without a question of their own
	watch    bool // by Watch, likewise
	ready    bool
	ended    bool
	changed  chan struct{} // closed and replaced with every change
}

// Register registers the health service with r, usually a *grpc.Server, and returns its Server. Every
// service but Liveness is NOT_SERVING until Resume. Like every registration it has to come before
// Serve, and grpc-go ends the process when r has a health service already.
func Register(r grpc.ServiceRegistrar) *Server {
	s := &Server{
		statuses: map[string]healthpb.HealthCheckResponse_ServingStatus{
			"": serving, Liveness: serving, Readiness: serving, Traffic: serving,
		},
		changed: make(chan struct{}),
	}
	healthpb.RegisterHealthServer(r, &service{server: s})
	return s
}

// SetServingStatus sets the status of a service and makes the service known. The empty name is the
// server as a whole. Before the first Resume and while the service is withdrawn the status is
// remembered and shown from the next Resume on; the service is NOT_SERVING until then. Nothing is ever
// forgotten.
func (s *Server) SetServingStatus(service string, st healthpb.HealthCheckResponse_ServingStatus) {
	s.update(func() { s.statuses[service] = st })
}

// CloseTraffic makes Traffic NOT_SERVING and leaves all other services alone.
func (s *Server) CloseTraffic() { s.update(func() { s.traffic = false }) }

// Drain is CloseTraffic, and makes Check say NOT_SERVING for every service but Liveness and Readiness.
// Watches go on as they are, also those that begin later.
func (s *Server) Drain() { s.update(func() { s.traffic, s.check = false, false }) }

// Shutdown is Drain for Watches too. They are told and stay open: a Watch that ends after its first
// message is opened again without any backoff by grpc-go clients, thousands of times a second (v1.85,
// health/client.go).
func (s *Server) Shutdown() {
	s.update(func() { s.traffic, s.check, s.watch = false, false, false })
}

// Resume shows the statuses as they were set; "" is SERVING unless set otherwise.
func (s *Server) Resume() {
	s.update(func() { s.traffic, s.check, s.watch = true, true, true })
}

// SetReady sets what Readiness says; false until it is called.
func (s *Server) SetReady(ready bool) { s.update(func() { s.ready = ready }) }

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

// checked returns what Check says of a service, and whether the service is known.
func (s *Server) checked(service string) (st healthpb.HealthCheckResponse_ServingStatus, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown(service, s.check)
}

// all returns what checked returns for every known service.
func (s *Server) all() map[string]healthpb.HealthCheckResponse_ServingStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	statuses := maps.Clone(s.statuses)
	for service := range statuses {
		statuses[service], _ = s.shown(service, s.check)
	}
	return statuses
}

// look is one look of a Watch: the status, a channel that closes when a further look may show
// something else, and whether Watches are to end.
func (s *Server) look(service string) (st healthpb.HealthCheckResponse_ServingStatus, changed <-chan struct{}, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, _ = s.shown(service, s.watch)
	return st, s.changed, s.ended
}

// shown is called with the lock held. open tells whether this way of asking shows what was set.
func (s *Server) shown(service string, open bool) (st healthpb.HealthCheckResponse_ServingStatus, known bool) {
	st, known = s.statuses[service]
	if !known {
		return healthpb.HealthCheckResponse_SERVICE_UNKNOWN, false
	}
	switch service {
	case Liveness:
		open = true
	case Readiness:
		open = s.ready
	case Traffic:
		open = s.traffic
	}
	if !open {
		return notServing, true
	}
	return st, true
}
