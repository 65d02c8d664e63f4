// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// WithSignals makes Run take these signals as a trigger. Without it Run leaves signals alone; the usual choice is
// syscall.SIGTERM and os.Interrupt.
//
// A signal during an offline is logged once and changes nothing: platforms and wrappers send SIGTERM twice. Only an
// os.Interrupt that is repeated, more than a second after the first signal, is taken for Force: that is a person at a
// terminal. See WithForceSignals.
func WithSignals(sig ...os.Signal) Option {
	return func(cfg *config) { cfg.signals = append(cfg.signals, sig...) }
}

// WithForceSignals makes Run take these signals as Force, at any time. They need not be among those of WithSignals.
func WithForceSignals(sig ...os.Signal) Option {
	return func(cfg *config) { cfg.forceSignals = append(cfg.forceSignals, sig...) }
}

// WithOnState adds a function that hears of every change of state, in order, one at a time. It runs on a goroutine of
// its own: an offline does not wait for it, except for a moment at the very end.
func WithOnState(f func(State)) Option {
	return func(cfg *config) {
		if f != nil {
			cfg.onState = append(cfg.onState, f)
		}
	}
}

// WithOnReport has f called with the complete Report of the offline that ends everything, last of all, for a pod's
// termination log for example. It may take 100 ms; one that takes longer is left behind. It may be given more than
// once; the functions are called in their order.
func WithOnReport(f func(Report)) Option {
	return func(c *config) {
		if f != nil {
			c.onReport = append(c.onReport, f)
		}
	}
}

// WithStage adds a step of the program's own to the way out, once the servers have stopped: a worker to be flushed, a
// queue to be emptied. Stages run in the order in which they were given, before the OnStop hooks, one at a time; each
// has a Phase "stage " and its name in the Report, and a line in the log where it takes a second or fails. ctx ends
// after limit, and earlier where the budget leaves less beside what the functions after it need; zero sets no limit
// beside that. One that does not return then is abandoned. What it returns becomes part of the error of Shutdown; a
// panic is not recovered. An empty name, one of more than 40 bytes, and one that is given twice, are errors of Run and
// Start.
func WithStage(name string, limit time.Duration, f func(ctx context.Context) error) Option {
	return func(cfg *config) {
		if f != nil {
			cfg.stages = append(cfg.stages, stage{name, max(limit, 0), f})
		}
	}
}

// WithOnStop adds a function to be called once the servers have stopped, for what the handlers needed until then:
// databases, exporters, caches. Hooks run after the stages (WithStage), in the reverse order of their registration, and
// share what is left of the budget, of which two seconds are kept for them; one that does not return in time is
// abandoned. What they return becomes part of the error of Shutdown; a panic is not recovered. The counters and the
// duration of the offline are recorded, and flushed where the provider can, before them; the spans after them: shut the
// provider of traces down when Run has returned.
func WithOnStop(f func(context.Context) error) Option {
	return func(cfg *config) {
		if f != nil {
			cfg.onStop = append(cfg.onStop, f)
		}
	}
}

// WithLogger sets where the lines go: one for each change of state, phase of an offline, registration and act of an
// operator, and a warning for what will be tried again. The default is slog.Default() at the time of New. Its handler
// is called on a goroutine of its own, so a line may come a little later than what it tells of: an offline does not
// wait for it, except for a moment at the very end.
func WithLogger(l *slog.Logger) Option {
	return func(cfg *config) {
		if l != nil {
			cfg.log = l
		}
	}
}

// WithMeterProvider sets where the metrics of ScopeName go; the default is the global provider of OpenTelemetry.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(cfg *config) {
		if p != nil {
			cfg.meters = p
		}
	}
}

// WithTracerProvider sets where the spans of ScopeName go; the default is the global provider of OpenTelemetry.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(cfg *config) {
		if p != nil {
			cfg.tracers = p
		}
	}
}
