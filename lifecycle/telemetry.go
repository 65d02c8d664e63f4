// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/lameduck-go/lameduck/lifecycle/internal/serial"
)

// ScopeName is the instrumentation scope of the metrics and spans.
//
// The metrics are lameduck.rpc.in_flight, with rpc.kind unary or stream, lameduck.rpc.late and lameduck.rpc.refused,
// all three observed from Start to the end, and lameduck.offline.duration in seconds, with lameduck.policy and
// lameduck.outcome. The spans are lameduck.offline, with these two and lameduck.trigger, and a child for each Phase of
// the Report, as lameduck.withdraw; they are written when the offline is over. The span of the ctx that began it, of
// Drain for example, is their parent.
const ScopeName = "github.com/lameduck-go/lameduck/lifecycle"

// telemetry tells the providers what happens, by a queue: an exporter may block, a provider runs callbacks of the
// program with a lock of its own held, and such a callback may block or call the Manager.
type telemetry struct {
	queue             serial.Queue
	tracer            trace.Tracer
	meter             metric.Meter
	inFlight          metric.Int64ObservableUpDownCounter
	late, refused     metric.Int64ObservableCounter
	duration          metric.Float64Histogram
	unaries, streamed metric.ObserveOption

	// Of what the queue calls.
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
func (t *telemetry) observe(counts func() Counts, failed func(error)) {
	t.queue.Add(func() {
		if t.stopped {
			return
		}
		var err error
		t.registration, err = t.meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
			c := counts()
			o.ObserveInt64(t.inFlight, int64(c.Unary), t.unaries)
			o.ObserveInt64(t.inFlight, int64(c.Streams), t.streamed)
			o.ObserveInt64(t.late, int64(c.Late))
			o.ObserveInt64(t.refused, int64(c.Refused))
			return nil
		}, t.inFlight, t.late, t.refused)
		if err != nil {
			failed(err)
		}
	})
}

// stop ends the observation; the OnStop hooks that flush a provider have run by then.
func (t *telemetry) stop() {
	t.queue.Add(func() {
		t.stopped = true
		if t.registration != nil {
			_ = t.registration.Unregister()
		}
	})
}

// record writes the spans of an offline that is over, a child for each phase, and its duration. A span in ctx is the
// parent.
func (t *telemetry) record(ctx context.Context, r Report) {
	policy, outcome := attribute.String("lameduck.policy", r.Policy.String()), attribute.String("lameduck.outcome", string(r.Outcome))
	t.queue.Add(func() {
		ctx, span := t.tracer.Start(ctx, "lameduck.offline", trace.WithTimestamp(r.Began),
			trace.WithAttributes(attribute.String("lameduck.trigger", r.Trigger), policy, outcome))
		for _, p := range r.Phases {
			began := r.Began.Add(p.After)
			_, phase := t.tracer.Start(ctx, "lameduck."+p.Name, trace.WithTimestamp(began))
			endSpan(phase, p.Error, began.Add(p.Took))
		}
		endSpan(span, r.Error, r.Began.Add(r.Took))
		t.duration.Record(ctx, r.Took.Seconds(), metric.WithAttributes(policy, outcome))
	})
}

func endSpan(span trace.Span, failure string, at time.Time) {
	if failure != "" {
		span.SetStatus(codes.Error, failure)
	}
	span.End(trace.WithTimestamp(at))
}
