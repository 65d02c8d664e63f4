// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"

	promclient "github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// push stands for Export of an exporter, otlpmetrichttp for example, that sends to who outlives the process. Here it
// prints one of the metrics.
func push(_ context.Context, last *metricdata.ResourceMetrics) error {
	for _, scope := range last.ScopeMetrics {
		for _, m := range scope.Metrics {
			if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "lameduck.rpc.late" {
				fmt.Println("pushed:", m.Name, sum.DataPoints[0].Value)
			}
		}
	}
	return nil
}

// Prometheus pulls the metrics of this server. The process ends before it comes again, so a hook collects once more, by
// a reader of its own, and pushes. A server whose metrics are pushed anyway has provider.ForceFlush as its hook.
func Example_lastCollection() {
	pulled, err := prometheus.New(prometheus.WithRegisterer(promclient.NewRegistry()))
	if err != nil {
		log.Fatal(err)
	}
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(pulled), sdkmetric.WithReader(reader))

	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, server{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithMeterProvider(provider),
		lifecycle.WithSettle(0), lifecycle.WithQuiet(0), // nobody looks for this address in a registry
		lifecycle.WithLogger(slog.New(slog.DiscardHandler)),
		lifecycle.WithOnStop(func(ctx context.Context) error {
			var last metricdata.ResourceMetrics
			if err := reader.Collect(ctx, &last); err != nil {
				return err
			}
			return push(ctx, &last)
		}),
	)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(manager.WatchHandshakes(lis)) }()
	ctx := context.Background()
	if err := manager.Start(ctx, lis.Addr()); err != nil {
		log.Fatal(err)
	}
	if err := manager.Drain(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("a late call:", callOnce(lis.Addr().String()))
	fmt.Println(manager.Shutdown(ctx), <-served)
	// Output:
	// a late call: <nil>
	// pushed: lameduck.rpc.late 1
	// <nil> <nil>
}
