// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// An Option changes what New makes. A nil Option is ignored, and so is one that is given nil; a nil pointer in an
// interface is not nil. A negative duration counts as zero.
type Option func(*config)

type config struct {
	calls           Calls
	callsAgain      bool // given twice
	health          Health
	registrars      []Registrar
	servers         []served
	admins          []served
	policy          Policy
	budget          time.Duration
	settle          *time.Duration
	quiet           *time.Duration
	healthNotice    Notice
	streamNotice    Notice
	streamGrace     time.Duration
	successor       time.Duration
	beforeRegister  []func(context.Context) error
	registerTimeout time.Duration
	readyUnlisted   *time.Duration
	registryOffline RegistryOffline
	signals         []os.Signal
	forceSignals    []os.Signal
	signalled       <-chan os.Signal // in tests: stands in for os/signal, which cannot be used with fake time
	onState         []func(State)
	onStop          []func(context.Context) error
	stages          []stage
	onReport        []func(Report)
	envErr          error    // of FromEnv
	unknownEnv      []string // likewise
	log             *slog.Logger
	meters          metric.MeterProvider
	tracers         trace.TracerProvider
}

// served is a server with the listeners that Run serves it on.
type served struct {
	server    Server
	listeners []net.Listener
}

func newConfig(opts []Option) config {
	c := config{budget: DefaultBudget, streamGrace: DefaultStreamGrace}
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	if c.log == nil {
		c.log = slog.Default()
	}
	if c.meters == nil {
		c.meters = otel.GetMeterProvider()
	}
	if c.tracers == nil {
		c.tracers = otel.GetTracerProvider()
	}
	return c
}

// WithCalls names the Tracker whose interceptors the server has. Without it nothing is known of the traffic: quiet is
// not waited for, Strict refuses nothing, and streams are neither told nor ended. Several servers share one Tracker: a
// second one is an error of Run and Start, and so is one whose interceptors no server has.
func WithCalls(c Calls) Option {
	return func(cfg *config) {
		if c != nil {
			cfg.callsAgain = cfg.callsAgain || cfg.calls != nil && !same(cfg.calls, c)
			cfg.calls = c
		}
	}
}

// WithHealth names the health service that says SERVING and NOT_SERVING. Without it nobody's health changes, and a
// health Watch of another service holds GracefulStop until the budget ends.
//
// Who asks by Check hears NOT_SERVING from the trigger on. A Watch goes on until GracefulStop has begun, and is ended
// then; in a drain that stays, by hand or by an operator, it hears NOT_SERVING when settle is over. With Strict both
// change when calls are refused. It may be given several times, for several servers.
func WithHealth(h Health) Option {
	return func(cfg *config) {
		switch {
		case h == nil:
		case cfg.health == nil:
			cfg.health = h
		default:
			cfg.health = bothHealths{cfg.health, h}
		}
	}
}

// WithRegistrar adds a registry or balancer. It may be given several times: the instance is registered with all of
// them, and withdrawn from all of them in parallel.
func WithRegistrar(r Registrar) Option {
	return func(cfg *config) {
		if r != nil {
			cfg.registrars = append(cfg.registrars, r)
		}
	}
}

// WithServer adds a further server that Run serves on lis, for example a gateway in front of the first one; with Start
// the program serves it, and lis is not needed. Further servers are stopped before the first, the last one first, so
// that a gateway has let go before the server behind it stops. Each gets up to five seconds for that; streams and
// health Watches are told when all have begun to stop.
func WithServer(s Server, lis ...net.Listener) Option {
	return func(cfg *config) {
		if s != nil {
			cfg.servers = append(cfg.servers, served{s, slices.Clone(lis)})
		}
	}
}

// WithAdmin adds a server for probes, metrics and control, that Run serves on lis from before the registration until the
// hooks have run and the registrars are closed: a server of WithServer is refused to those who come after GOAWAY, for as
// long as the last calls take. Its requests are no traffic: neither quiet nor the stop waits for them; those that are
// under way at the end have 100 ms. It must not be the server of New or of WithServer, and not have the Tracker's
// interceptors. One whose Serve fails is logged, and the instance goes on without it. With Start the program serves it;
// it is stopped all the same, a moment after Shutdown has returned.
func WithAdmin(s Server, lis ...net.Listener) Option {
	return func(cfg *config) {
		if s != nil {
			cfg.admins = append(cfg.admins, served{s, slices.Clone(lis)})
		}
	}
}

// WithPolicy chooses between Lossless, the default, and Strict.
func WithPolicy(p Policy) Option { return func(cfg *config) { cfg.policy = p } }

// WithBudget sets the time from trigger to exit that all phases share; the default is DefaultBudget. Run returns at
// most one second later, whatever happens.
func WithBudget(d time.Duration) Option { return func(cfg *config) { cfg.budget = max(d, 0) } }

// WithSettle sets how long after the confirmed absence other registry nodes and clients may still learn of it. The
// default is the largest Settle of the registrars, else UnknownSettle. It is an error of Run and Start when it leaves
// less than ten seconds of the budget, or less than half where that is less. Strict does not settle.
func WithSettle(d time.Duration) Option {
	d = max(d, 0)
	return func(cfg *config) { cfg.settle = &d }
}

// WithQuiet sets how long no RPC may be admitted before GracefulStop begins. The default is DefaultQuiet for Lossless
// and none for Strict, where a refused call counts as traffic too. Zero does not wait. All the waiting takes at most
// QuietLimit, and in an offline that stops a fifth of the budget; a longer quiet is shortened to that. It is not waited
// for where Lossless drains for half the budget because a registry did not confirm the absence.
func WithQuiet(d time.Duration) Option {
	d = max(d, 0)
	return func(cfg *config) { cfg.quiet = &d }
}

// WithStreamNotice sets when streams are told: AtGoAway, the default, or AtWithdrawn.
func WithStreamNotice(n Notice) Option { return func(cfg *config) { cfg.streamNotice = n } }

// WithHealthNotice sets when health Watches hear NOT_SERVING: AtGoAway, the default, ends them without having said so;
// or AtSettled, or AtTrigger. In a drain that stays there is no GOAWAY, and AtGoAway is AtSettled. AtSettled waits for
// another usable instance where a registrar knows of the others: a client with health checking that knows no other
// address fails all its calls after a NOT_SERVING. What Check says is not changed by it, and neither is anything with
// Strict.
func WithHealthNotice(n Notice) Option { return func(cfg *config) { cfg.healthNotice = n } }

// WithSuccessor makes an offline wait for up to d where no other usable instance is listed, until there is one: for a
// service of one instance, whose successor is started first. The default, zero, does not wait: a program that is ended
// from a terminal has no successor. The wait for somebody, and for the news of them to spread, take half the budget
// without settle at the most. When nobody has come, the instance goes all the same, and the log and the Report say so.
// It needs a registrar that has the method Others.
func WithSuccessor(d time.Duration) Option { return func(cfg *config) { cfg.successor = max(d, 0) } }

// WithBeforeRegister adds what has to have happened before the instance is announced: caches that are warm, connections
// that stand. The functions are called by Run and Start in the order in which they were added, once, when the listener
// serves; until the last one has returned nil the state is Starting, health says NOT_SERVING and no registrar is asked.
// An error is one of Run and Start. ctx ends when ctx of Start does and when Shutdown begins; one that does not heed
// that is abandoned. A panic is not recovered.
func WithBeforeRegister(f func(ctx context.Context) error) Option {
	return func(cfg *config) {
		if f != nil {
			cfg.beforeRegister = append(cfg.beforeRegister, f)
		}
	}
}

// WithReadyUnlisted makes Status say ready, and the health service Readiness SERVING, when registrars have been asked
// for d and one of them does not list the instance yet. Zero means at once. The default is never: a rollout then stops
// by itself when its new instances cannot be found in the registry. Give it where callers come by another way too, a
// Kubernetes Service for example, so that an outage of the registry is not one of theirs.
func WithReadyUnlisted(d time.Duration) Option {
	d = max(d, 0)
	return func(cfg *config) { cfg.readyUnlisted = &d }
}

// WithStreamGrace sets how long streams may go on before they are ended, from when they were told; the default is
// DefaultStreamGrace. They are ended at the latest when five seconds, or a fifth, of the budget are left, whichever is
// less.
func WithStreamGrace(d time.Duration) Option {
	return func(cfg *config) { cfg.streamGrace = max(d, 0) }
}

// WithRegisterTimeout makes it an error of Run and Start when a registrar has not shown the instance for so long, also
// because of a drain by hand in that time. The default, zero, keeps serving and goes on trying: an instance that is not
// ready stops a rollout by itself.
func WithRegisterTimeout(d time.Duration) Option {
	return func(cfg *config) { cfg.registerTimeout = max(d, 0) }
}

// WithRegistryOffline chooses between Park, the default, and Exit.
func WithRegistryOffline(r RegistryOffline) Option {
	return func(cfg *config) { cfg.registryOffline = r }
}
