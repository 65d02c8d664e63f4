// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The attributes of the metrics. They are lameduck's own: the stable RPC conventions of OpenTelemetry have none for
// what is counted here.
const (
	kindKey      = attribute.Key("lameduck.rpc.kind")
	cutKey       = attribute.Key("lameduck.cut.kind")
	policyKey    = attribute.Key("lameduck.policy")
	outcomeKey   = attribute.Key("lameduck.outcome")
	stateKey     = attribute.Key("lameduck.state")
	registrarKey = attribute.Key("lameduck.registrar")
	changeKey    = attribute.Key("lameduck.change.cause")
	triggerKey   = attribute.Key("lameduck.trigger")
)

// durations are the boundaries of the histograms, in seconds.
var durations = []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 7.5, 10, 15, 20, 25, 30, 60}

// metrics are the instruments. All but the durations are observed: whoever collects sees them all in one step.
type metrics struct {
	inFlight, state, ready, parked, registered metric.Int64ObservableUpDownCounter

	admitted, late, refused, ended, answered, cut metric.Int64ObservableCounter
	offlines, unconfirmed, changes                metric.Int64ObservableCounter

	duration, hooks, closing metric.Float64Histogram
}

// newMetrics makes what it can; an instrument that the provider refuses is one that counts nothing.
func newMetrics(meter metric.Meter) (*metrics, error) {
	var errs []error
	upDown := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		i, err := meter.Int64ObservableUpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		i, err := meter.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	seconds := func(name, description string) metric.Float64Histogram {
		i, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description),
			metric.WithExplicitBucketBoundaries(durations...))
		errs = append(errs, err)
		return i
	}
	m := &metrics{
		inFlight:   upDown("lameduck.rpc.in_flight", "{call}", "RPCs admitted and not yet finished"),
		state:      upDown("lameduck.instance.state", "{instance}", "1 for the state that the instance is in, 0 for the others"),
		ready:      upDown("lameduck.instance.ready", "{instance}", "1 while the instance is ready"),
		parked:     upDown("lameduck.instance.parked", "{instance}", "1 while operators hold the instance offline"),
		registered: upDown("lameduck.registrar.registered", "{instance}", "1 while the registrar lists the instance, as far as is known"),

		admitted:    counter("lameduck.rpc.admitted", "{call}", "RPCs admitted"),
		late:        counter("lameduck.rpc.late", "{call}", "RPCs admitted while the instance drained"),
		refused:     counter("lameduck.rpc.refused", "{call}", "RPCs answered UNAVAILABLE by the interceptors"),
		ended:       counter("lameduck.rpc.ended", "{call}", "streams ended early, with a status"),
		answered:    counter("lameduck.rpc.answered", "{call}", "unary calls answered in the place of their handlers"),
		cut:         counter("lameduck.offline.cut", "{item}", "what was cut when a stop was forced"),
		offlines:    counter("lameduck.offline.ended", "{offline}", "offlines that are over, or whose servers have stopped"),
		unconfirmed: counter("lameduck.offline.unconfirmed", "{offline}", "offlines at whose end a registry may still have listed the instance"),
		changes:     counter("lameduck.registrar.changes", "{change}", "changes of what a registrar lists"),

		duration: seconds("lameduck.offline.duration", "From the trigger of an offline to the end of its drain, or until the servers have stopped"),
		hooks:    seconds("lameduck.offline.hooks.duration", "Of the stages and the OnStop hooks"),
		closing:  seconds("lameduck.offline.close.duration", "Until the registrars were closed"),
	}
	return m, errors.Join(errs...)
}

// instruments are those that are observed.
func (m *metrics) instruments() []metric.Observable {
	return []metric.Observable{
		m.inFlight, m.state, m.ready, m.parked, m.registered, m.admitted, m.late, m.refused, m.ended, m.answered, m.cut,
		m.offlines, m.unconfirmed, m.changes,
	}
}

func with[T string | Outcome | changeCause](key attribute.Key, value T) metric.ObserveOption {
	return metric.WithAttributes(key.String(string(value)))
}

// observe reports every series, also those that are 0: a counter that appears as 1 has no increase.
func (m *metrics) observe(o metric.Observer, n numbers) {
	if n.counted {
		o.ObserveInt64(m.inFlight, int64(n.calls.Unary), with(kindKey, "unary"))
		o.ObserveInt64(m.inFlight, int64(n.calls.Streams), with(kindKey, "stream"))
		o.ObserveInt64(m.admitted, int64(n.admitted))
		o.ObserveInt64(m.late, int64(n.calls.Late))
		o.ObserveInt64(m.refused, int64(n.calls.Refused))
		o.ObserveInt64(m.ended, n.streamsEnded)
		o.ObserveInt64(m.answered, n.callsAnswered)
		o.ObserveInt64(m.cut, n.callsCut, with(cutKey, "unary"))
		o.ObserveInt64(m.cut, n.streamsCut, with(cutKey, "stream"))
	}
	o.ObserveInt64(m.cut, n.connectionsCut, with(cutKey, "connection"))
	for _, outcome := range outcomes {
		o.ObserveInt64(m.offlines, n.ended[outcome], with(outcomeKey, outcome))
	}
	o.ObserveInt64(m.unconfirmed, n.unconfirmed)
	for s, name := range stateNames {
		o.ObserveInt64(m.state, one(n.state == State(s)), with(stateKey, name))
	}
	o.ObserveInt64(m.ready, one(n.ready))
	o.ObserveInt64(m.parked, one(n.parked))
	for _, r := range n.registrars {
		o.ObserveInt64(m.registered, one(r.registered), with(registrarKey, r.name))
		for _, cause := range changeCauses {
			o.ObserveInt64(m.changes, r.changes[cause], metric.WithAttributes(
				registrarKey.String(r.name), changeKey.String(string(cause))))
		}
	}
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// record takes the durations of what is over.
func (m *metrics) record(ctx context.Context, h metric.Float64Histogram, seconds float64, p Policy, outcome Outcome) {
	h.Record(ctx, seconds, metric.WithAttributes(policyKey.String(p.String()), outcomeKey.String(string(outcome))))
}
