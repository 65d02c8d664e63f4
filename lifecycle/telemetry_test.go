// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
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

// flusher is a provider that can flush, and does not where it hangs.
type flusher struct {
	metric.MeterProvider
	flushed func(context.Context) error
}

func (f flusher) ForceFlush(ctx context.Context) error { return f.flushed(ctx) }

// A collector that is away holds nothing up for long.
func TestFlushBeforeTheHooks(t *testing.T) {
	for _, c := range []struct {
		name   string
		hangs  bool
		atMost time.Duration
	}{{"at once", false, 100 * time.Millisecond}, {"hangs", true, flushLimit + 100*time.Millisecond}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r *rig
				r = newRig(t, WithMeterProvider(flusher{sdkmetric.NewMeterProvider(), func(ctx context.Context) error {
					r.add("flush")
					if c.hangs {
						<-ctx.Done()
					}
					return ctx.Err()
				}}))
				r.run(t)
				r.terminate()
				if err := <-r.result; err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
				if flush, hook := r.at(t, "flush"), r.at(t, "hook"); hook-flush > c.atMost || hook-flush < 0 || c.hangs && hook-flush < flushLimit-leastWait {
					t.Errorf("flush after %v, hooks after %v; want at most %v between", flush, hook, c.atMost)
				}
			})
		})
	}
}

func TestSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		r := newRig(t, WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))))
		r.run(t)
		r.terminate()
		<-r.result
		var parent sdktrace.ReadOnlySpan
		children := map[string]time.Duration{}
		for _, s := range spans.Ended() {
			if s.Name() == "lameduck.offline" {
				parent = s
				continue
			}
			children[s.Name()] = s.EndTime().Sub(s.StartTime())
		}
		if parent == nil {
			t.Fatal("no span lameduck.offline")
		}
		for name, want := range map[string]time.Duration{"lameduck.withdraw": 600 * time.Millisecond, "lameduck.settle": 3 * time.Second, "lameduck.quiet": 500 * time.Millisecond} {
			if children[name] != want {
				t.Errorf("span %s took %v, want %v", name, children[name], want)
			}
		}
		for _, s := range spans.Ended() {
			if s != parent && s.Parent().SpanID() != parent.SpanContext().SpanID() {
				t.Errorf("span %s is no child of lameduck.offline", s.Name())
			}
		}
	})
}

// A span of the program that asked for the drain is the parent, and what went wrong is a status.
func TestSpansOfADrainThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		spans := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
		r := newRig(t, WithTracerProvider(provider))
		r.run(t)
		r.reg.deregister = func(context.Context) error { return errBroken }
		ctx, program := provider.Tracer("program").Start(t.Context(), "request")
		began := time.Now()
		if err := r.Drain(ctx); !errors.Is(err, errBroken) {
			t.Errorf("Drain() = %v, want the registrar's error", err)
		}
		synctest.Wait()
		failed := map[string]bool{}
		for _, s := range spans.Ended() {
			failed[s.Name()] = s.Status().Code == codes.Error
			if s.Name() == "lameduck.offline" && (s.Parent().SpanID() != program.SpanContext().SpanID() || !s.StartTime().Equal(began)) {
				t.Errorf("lameduck.offline began %v with parent %v, want %v with the span of the program", s.StartTime(), s.Parent(), began)
			}
		}
		if want := map[string]bool{
			"lameduck.offline": true, "lameduck.announce": false, "lameduck.withdraw": true, "lameduck.settle": false, "lameduck.health": false, "lameduck.quiet": false,
		}; !maps.Equal(failed, want) {
			t.Errorf("spans with an error: %v, want %v", failed, want)
		}
		program.End()
		r.terminate()
		<-r.result
	})
}

// A provider collects with a lock of its own held, and a callback of the program may ask for Status.
func TestStatusInACallbackOfTheMeter(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	r := newRig(t, WithMeterProvider(provider), WithSettle(0), WithQuiet(0), WithRegisterTimeout(time.Minute))
	r.reg.delay = 0
	_, err := provider.Meter("program").Int64ObservableGauge("state", metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
		o.Observe(int64(r.Status().State))
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var collecting sync.WaitGroup
	for range 4 {
		collecting.Go(func() {
			for ctx.Err() == nil {
				_ = reader.Collect(ctx, &metricdata.ResourceMetrics{})
			}
		})
	}
	over := make(chan error, 1)
	go func() {
		over <- errors.Join(r.Start(ctx, fakeListener{}.Addr()), r.Shutdown(ctx))
	}()
	select {
	case err := <-over:
		if err != nil {
			t.Errorf("Start and Shutdown = %v, want nil", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Start or Shutdown hangs: a lock is held while the provider is called")
	}
	cancel()
	collecting.Wait()
}

// A stuckExporter exports nothing until it is released.
type stuckExporter struct{ released chan struct{} }

func (s stuckExporter) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	<-s.released
	return nil
}

func (stuckExporter) Shutdown(context.Context) error { return nil }

func TestExporterThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released := make(chan struct{})
		r := newRig(t, WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(stuckExporter{released}))))
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if took := time.Since(r.began); took > 5*time.Second {
			t.Errorf("Run took %v, want what it takes without telemetry", took)
		}
		if got := r.Report().Abandoned; !slices.Contains(got, "OpenTelemetry") {
			t.Errorf("Report.Abandoned = %q, want OpenTelemetry", got)
		}
		close(released)
	})
}

// A callback of the program that hangs holds the provider's lock, which Unregister wants. Real time, as a mutex is
// waited for.
func TestCallbackOfTheMeterThatHangs(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	hangs, released := make(chan struct{}), make(chan struct{})
	_, err := provider.Meter("program").Int64ObservableGauge("pool", metric.WithInt64Callback(func(context.Context, metric.Int64Observer) error {
		close(hangs)
		<-released
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, WithMeterProvider(provider), WithSettle(0), WithQuiet(0))
	r.reg.delay = 0
	if err := r.Start(t.Context(), fakeListener{}.Addr()); err != nil {
		t.Fatal(err)
	}
	var collecting sync.WaitGroup
	collecting.Go(func() { _ = reader.Collect(context.Background(), &metricdata.ResourceMetrics{}) })
	<-hangs
	over := make(chan error, 1)
	go func() { over <- r.Shutdown(t.Context()) }()
	select {
	case err := <-over:
		if err != nil {
			t.Errorf("Shutdown() = %v, want nil", err)
		}
		if got := r.Report().Abandoned; !slices.Contains(got, "OpenTelemetry") {
			t.Errorf("Report.Abandoned = %q, want OpenTelemetry", got)
		}
	case <-time.After(20 * time.Second):
		t.Error("Shutdown hangs with the callback")
	}
	close(released)
	collecting.Wait()
}
