// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

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
