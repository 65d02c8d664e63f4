// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// ScopeName is the instrumentation scope of the metrics and spans.
const ScopeName = "github.com/lameduck-go/lameduck/lifecycle"

// telemetry holds the instruments. Nothing of it is called with the Manager's lock held: a provider runs callbacks with
// a lock of its own held, and a callback of the program may ask for Status.
type telemetry struct {
	tracer            trace.Tracer
	meter             metric.Meter
	inFlight          metric.Int64ObservableUpDownCounter
	late, refused     metric.Int64ObservableCounter
	duration          metric.Float64Histogram
	unaries, streamed metric.ObserveOption

	mu           sync.Mutex
	registration metric.Registration
	stopped      bool
}

func newTelemetry(c *config) (*telemetry, error) {
	meter := c.meters.Meter(ScopeName)
	var errs [4]error
	t := &telemetry{
		tracer:   c.tracers.Tracer(ScopeName),
		meter:    meter,
		unaries:  metric.WithAttributes(attribute.String("rpc.kind", "unary")),
		streamed: metric.WithAttributes(attribute.String("rpc.kind", "stream")),
	}
	t.inFlight, errs[0] = meter.Int64ObservableUpDownCounter("lameduck.rpc.in_flight", metric.WithUnit("{call}"),
		metric.WithDescription("RPCs admitted and not yet finished"))
	t.late, errs[1] = meter.Int64ObservableCounter("lameduck.rpc.late", metric.WithUnit("{call}"),
		metric.WithDescription("RPCs admitted while the instance drained"))
	t.refused, errs[2] = meter.Int64ObservableCounter("lameduck.rpc.refused", metric.WithUnit("{call}"),
		metric.WithDescription("RPCs answered UNAVAILABLE by the interceptors"))
	t.duration, errs[3] = meter.Float64Histogram("lameduck.offline.duration", metric.WithUnit("s"),
		metric.WithDescription("From the trigger of an offline to its end"),
		metric.WithExplicitBucketBoundaries(0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 20, 25, 30, 60))
	return t, errors.Join(errs[:]...)
}

// observe begins to observe the calls.
func (t *telemetry) observe(counts func() Counts) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return nil
	}
	t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		c := counts()
		o.ObserveInt64(t.inFlight, int64(c.Unary), t.unaries)
		o.ObserveInt64(t.inFlight, int64(c.Streams), t.streamed)
		o.ObserveInt64(t.late, int64(c.Late))
		o.ObserveInt64(t.refused, int64(c.Refused))
		return nil
	}, t.inFlight, t.late, t.refused)
	return err
}

// stop ends the observation; the OnStop hooks that flush a provider have run by then.
func (t *telemetry) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.registration != nil {
		_ = t.registration.Unregister()
	}
}

// begin opens the span of an offline.
func (t *telemetry) begin(ctx context.Context, o *offline) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, "lameduck.offline", trace.WithAttributes(
		attribute.String("lameduck.trigger", o.report.Trigger),
		attribute.String("lameduck.policy", o.report.Policy.String()),
	))
}

// phase opens the span of a phase as a child of the offline's.
func (t *telemetry) phase(ctx context.Context, name string) (context.Context, trace.Span) {
	return t.tracer.Start(ctx, "lameduck."+name)
}

func endSpan(span trace.Span, err error) {
	if err != nil && !errors.Is(err, errSkipped) {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
	}
	span.End()
}

func (t *telemetry) end(o *offline, r Report) {
	o.span.SetAttributes(attribute.String("lameduck.outcome", string(r.Outcome)))
	endSpan(o.span, o.err)
	t.duration.Record(context.Background(), r.Took.Seconds(), metric.WithAttributes(
		attribute.String("lameduck.policy", r.Policy.String()),
		attribute.String("lameduck.outcome", string(r.Outcome)),
	))
}
