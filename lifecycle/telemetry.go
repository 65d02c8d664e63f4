// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/lameduck-go/lameduck/lifecycle/internal/serial"
)

// ScopeName is the instrumentation scope of the metrics and spans. docs/operations.md has the table of the metrics.
//
// Counters and states are observed from Start until Run or Shutdown returns, with every value of their attributes from
// the beginning; the numbers of an offline that stops, and its duration, are there when the servers have stopped, and
// are flushed then where the provider has ForceFlush, as that of the SDK has: one collection in an OnStop hook has
// everything. The spans are lameduck.offline, with lameduck.policy, lameduck.outcome and lameduck.trigger, and a child
// for each Phase of the Report, as lameduck.withdraw; they are written when the offline is over. The span of the ctx
// that began it, of Drain for example, is their parent.
const ScopeName = "github.com/lameduck-go/lameduck/lifecycle"

// flushLimit is the most that a provider of metrics may take to flush, beside the time that is kept for hooks.
const flushLimit = time.Second

// telemetry tells the providers what happens, by a queue: an exporter may block, a provider runs callbacks of the
// program with a lock of its own held, and such a callback may block or call the Manager.
type telemetry struct {
	queue  serial.Queue
	tracer trace.Tracer
	meter  metric.Meter
	flush  func(context.Context) error // nil where the provider cannot
	*metrics

	// Of what the queue calls.
	registration metric.Registration
	stopped      bool
}

func newTelemetry(c *config) (*telemetry, error) {
	t := &telemetry{tracer: c.tracers.Tracer(ScopeName), meter: c.meters.Meter(ScopeName)}
	if f, ok := c.meters.(interface{ ForceFlush(context.Context) error }); ok {
		t.flush = f.ForceFlush
	}
	var err error
	t.metrics, err = newMetrics(t.meter)
	return t, err
}

// observe begins to observe.
func (t *telemetry) observe(numbers func() numbers, failed func(error)) {
	t.queue.Add(func() {
		if t.stopped {
			return
		}
		var err error
		t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
			t.metrics.observe(o, numbers())
			return nil
		}, t.instruments()...)
		if err != nil {
			failed(err)
		}
	})
}

// stop ends the observation; the OnStop hooks have run by then.
func (t *telemetry) stop() {
	t.queue.Add(func() {
		t.stopped = true
		if t.registration != nil {
			_ = t.registration.Unregister()
		}
	})
}

// recordDuration records how long an offline took until its drain was over, or its servers had stopped. Where flushBy
// is set the provider has until then to pass everything on.
func (t *telemetry) recordDuration(ctx context.Context, r Report, took time.Duration, outcome Outcome, flushBy time.Time) {
	t.queue.Add(func() {
		t.record(ctx, t.duration, took.Seconds(), r.Policy, outcome)
		if flushBy.IsZero() || t.flush == nil {
			return
		}
		limited, cancel := context.WithDeadline(ctx, flushBy)
		defer cancel()
		_ = t.flush(limited) // the SDK tells its error handler what an exporter says
	})
}

// recordEnd writes the spans of an offline that is over, a child for each phase, and how long hooks and registrars
// took. A span in ctx is the parent.
func (t *telemetry) recordEnd(ctx context.Context, r Report) {
	t.queue.Add(func() {
		ctx, span := t.tracer.Start(ctx, "lameduck.offline", trace.WithTimestamp(r.Began), trace.WithAttributes(
			triggerKey.String(r.Trigger), policyKey.String(r.Policy.String()), outcomeKey.String(string(r.Outcome))))
		var hooks time.Duration
		for _, p := range r.Phases {
			began := r.Began.Add(p.After)
			_, phase := t.tracer.Start(ctx, "lameduck."+p.Name, trace.WithTimestamp(began))
			endSpan(phase, p.Error, began.Add(p.Took))
			switch {
			case p.Name == "hooks" || strings.HasPrefix(p.Name, stagePrefix):
				hooks += p.Took
			case p.Name == "close":
				t.record(ctx, t.closing, p.Took.Seconds(), r.Policy, r.Outcome)
			}
		}
		endSpan(span, r.Error, r.Began.Add(r.Took))
		if hooks > 0 {
			t.record(ctx, t.hooks, hooks.Seconds(), r.Policy, r.Outcome)
		}
	})
}

func endSpan(span trace.Span, failure string, at time.Time) {
	if failure != "" {
		span.SetStatus(codes.Error, failure)
	}
	span.End(trace.WithTimestamp(at))
}
