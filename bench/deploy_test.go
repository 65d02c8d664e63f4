// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	promclient "github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/internal/directory"
	"github.com/lameduck-go/lameduck/lifecycle"
)

var (
	deployedName    = regexp.MustCompile(`lameduck_[a-z_]+`)
	deployedMatcher = regexp.MustCompile(`(lameduck_[a-z_]+)=~?\\?"([a-z |]+)\\?"`) // in JSON with backslashes
)

// TestNamesInRulesAndDashboard: every name and every value of a label that an alert or a panel asks for is one that a
// Manager exports, and the dashboard shows all that it exports.
func TestNamesInRulesAndDashboard(t *testing.T) {
	exported := export(t)
	rules, dashboard := deployed(t, "prometheus/rules.yaml"), deployed(t, "grafana/dashboard.json")
	for name := range distinct(deployedName.FindAllString(rules+dashboard, -1)) {
		if !exported.names[name] {
			t.Errorf("a Manager exports no metric and no label %s", name)
		}
	}
	for matcher := range distinct(deployedMatcher.FindAllString(rules+dashboard, -1)) {
		m := deployedMatcher.FindStringSubmatch(matcher)
		for value := range strings.SplitSeq(m[2], "|") {
			if !exported.labels[m[1]+"="+value] {
				t.Errorf("no metric of a Manager has %s=%q", m[1], value)
			}
		}
	}
	for metric := range exported.metrics {
		if !strings.Contains(dashboard, metric) {
			t.Errorf("the dashboard does not show %s", metric)
		}
	}
}

// deployed is a file of deploy that asks for metrics.
func deployed(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "deploy", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	if !deployedName.Match(text) {
		t.Errorf("%s: no name begins with lameduck_", file)
	}
	return string(text)
}

func distinct(list []string) map[string]bool {
	set := map[string]bool{}
	for _, s := range list {
		set[s] = true
	}
	return set
}

// exports is what Prometheus sees of a Manager, in the exporter's default translation.
type exports struct {
	metrics map[string]bool
	names   map[string]bool // of series, and of labels
	labels  map[string]bool // "name=value"
}

func (e *exports) add(t *testing.T, gatherer promclient.Gatherer) {
	t.Helper()
	families, err := gatherer.Gather()
	if err != nil {
		t.Errorf("Gather() = %v", err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "lameduck_") {
			continue // target_info
		}
		e.metrics[f.GetName()] = true
		if f.GetType().String() == "HISTOGRAM" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				e.names[f.GetName()+suffix] = true
			}
		} else {
			e.names[f.GetName()] = true
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				e.names[l.GetName()] = true
				e.labels[l.GetName()+"="+l.GetValue()] = true
			}
		}
	}
}

// export is a Manager from Start to the end: what it exports then, in a hook, and after it.
func export(t *testing.T) exports {
	t.Helper()
	registry := promclient.NewRegistry()
	reader, err := prometheus.New(prometheus.WithRegisterer(registry))
	if err != nil {
		t.Fatal(err)
	}
	all := exports{metrics: map[string]bool{}, names: map[string]bool{}, labels: map[string]bool{}}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, server{})
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker), lifecycle.WithHealth(health.Register(srv)), lifecycle.WithRegistrar(new(directory.Directory).Entry("")),
		lifecycle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
		lifecycle.WithSettle(0), lifecycle.WithQuiet(0), lifecycle.WithLogger(slog.New(slog.DiscardHandler)),
		lifecycle.WithOnStop(func(context.Context) error {
			all.add(t, registry)
			return nil
		}))
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(manager.WatchHandshakes(lis)) }()
	if err := manager.Start(t.Context(), lis.Addr()); err != nil {
		t.Fatal(err)
	}
	all.add(t, registry)
	if err := manager.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown() = %v, want nil", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve() = %v, want nil", err)
	}
	all.add(t, registry)
	return all
}
