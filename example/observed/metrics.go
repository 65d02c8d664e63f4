// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// changed is the lines of after that before does not have.
func changed(before, after string) string {
	known := strings.Split(before, "\n")
	lines := slices.DeleteFunc(strings.Split(after, "\n"), func(line string) bool { return slices.Contains(known, line) })
	return strings.Join(lines, "\n")
}

// metrics collects once, and returns a line for each series.
func metrics(ctx context.Context, reader *sdkmetric.ManualReader) (string, error) {
	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		return "", err
	}
	var lines []string
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					lines = append(lines, fmt.Sprintf("%s%s %d", m.Name, attributes(p.Attributes), p.Value))
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					lines = append(lines, fmt.Sprintf("%s%s count %d sum %.2f", m.Name, attributes(p.Attributes), p.Count, p.Sum))
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

func attributes(set attribute.Set) string {
	var parts []string
	for _, a := range set.ToSlice() {
		parts = append(parts, fmt.Sprintf("%s=%q", a.Key, a.Value.AsString()))
	}
	if len(parts) == 0 {
		return ""
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
