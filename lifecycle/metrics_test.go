// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// series returns every series that is a sum, by its name and attributes, and the histograms' sums in milliseconds.
func series(t *testing.T, reader sdkmetric.Reader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &data); err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			name := func(attributes attribute.Set) string {
				var text strings.Builder
				text.WriteString(strings.TrimPrefix(m.Name, "lameduck."))
				for _, a := range attributes.ToSlice() {
					if a.Key != registrarKey && a.Key != policyKey {
						text.WriteString(" " + a.Value.AsString())
					}
				}
				return text.String()
			}
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					all[name(p.Attributes)] = int64(p.Sum * 1000)
				}
			}
		}
	}
	return all
}

// want fails for each value of expected that got does not have; with all set, got may have no other that is not zero.
func want(t *testing.T, when string, got, expected map[string]int64) {
	t.Helper()
	for name, value := range expected {
		if have, ok := got[name]; !ok || have != value {
			t.Errorf("%s: %s is %d (exported: %t), want %d", when, name, have, ok, value)
		}
	}
	for name, value := range got {
		if _, ok := expected[name]; !ok && value != 0 && !strings.Contains(name, "duration") {
			t.Errorf("%s: %s is %d, want 0", when, name, value)
		}
	}
}

// A counter that appears as 1 has no increase: all are there before anything has happened.
func TestEverySeriesIsThereFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		r := newRig(t, WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		r.run(t)
		zero := []string{
			"rpc.in_flight unary", "rpc.in_flight stream", "rpc.admitted", "rpc.late", "rpc.refused", "rpc.ended", "rpc.answered",
			"offline.cut unary", "offline.cut stream", "offline.cut connection", "offline.unconfirmed", "instance.parked",
			"instance.state starting", "instance.state draining", "instance.state stopping", "instance.state stopped",
			"registrar.changes deregister", "registrar.changes operator",
		}
		for _, outcome := range outcomes {
			zero = append(zero, "offline.ended "+string(outcome))
		}
		expected := map[string]int64{
			"instance.state serving": 1, "instance.ready": 1, "registrar.registered": 1, "registrar.changes register": 1,
		}
		for _, name := range zero {
			expected[name] = 0
		}
		want(t, "serving", series(t, reader), expected)
		r.terminate()
		<-r.result
		if got := series(t, reader); len(got) == 0 || got["instance.state stopping"]+got["instance.state stopped"] != 0 {
			t.Errorf("after the end: %v, want the durations, and nothing that is observed", got)
		}
	})
}

// One collection in a hook has everything: a pull never sees an exit.
func TestACollectionInAHookHasEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		var seen map[string]int64
		r := newRig(t, WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))), WithBudget(10*time.Second),
			WithOnStop(func(context.Context) error { seen = series(t, reader); return nil }))
		r.run(t)
		r.calls.set(4, 3)
		r.calls.answerable = 1
		r.calls.admit(20)
		r.reg.deregister = func(context.Context) error { return errBroken }
		r.terminate()
		time.Sleep(time.Second)
		r.calls.mu.Lock()
		r.calls.late = 7
		r.calls.mu.Unlock()
		if err := <-r.result; !errors.Is(err, ErrForcedStop) {
			t.Errorf("Run() = %v, want ErrForcedStop", err)
		}
		want(t, "in the hook", seen, map[string]int64{
			"rpc.in_flight unary": 3, "rpc.in_flight stream": 0, "rpc.admitted": 20, "rpc.late": 7, "rpc.ended": 3, "rpc.answered": 1,
			"offline.cut unary": 3, "offline.cut stream": 0, "offline.ended forced": 1, "offline.unconfirmed": 1,
			"instance.state stopping": 1, "registrar.changes register": 1,
		})
		forced := (7*time.Second + r.Report().Phases[len(r.Report().Phases)-3].Took).Milliseconds()
		if got := seen["offline.duration forced"]; got < forced-200 || got > forced+200 {
			t.Errorf("in the hook: the offline took %d ms, want about %d: until the servers have stopped", got, forced)
		}
	})
}

// What operators do is a change, and a state of its own.
func TestMetricsOfAnOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		r := newRig(t, WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		r.run(t)
		r.reg.operator <- false
		time.Sleep(time.Minute)
		want(t, "parked", series(t, reader), map[string]int64{
			"instance.state draining": 1, "instance.parked": 1, "registrar.registered": 0, "registrar.changes register": 1,
			"registrar.changes operator": 1, "offline.ended drained": 1,
		})
		r.reg.operator <- true
		time.Sleep(time.Minute)
		want(t, "serving again", series(t, reader), map[string]int64{
			"instance.state serving": 1, "instance.ready": 1, "registrar.registered": 1, "registrar.changes register": 1,
			"registrar.changes operator": 2, "offline.ended drained": 1,
		})
		r.terminate()
		<-r.result
	})
}
