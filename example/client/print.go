// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

func printText(w io.Writer, mode load.Kind, counts load.Counts) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	line := func(name string, n uint64) { fmt.Fprintf(table, "%s\t%d\t\n", name, n) }
	if mode == load.Stream {
		line("streams", counts.Streams)
		line("cut", counts.StreamsCut)
	} else {
		line("calls", counts.Calls)
		line("failed", counts.Failed)
	}
	for _, code := range slices.Sorted(maps.Keys(counts.Codes)) {
		line(code, counts.Codes[code])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, sample := range counts.Samples {
		if _, err := fmt.Fprintln(w, sample); err != nil {
			return err
		}
	}
	return nil
}

// result is the form of -json.
type result struct {
	Mode load.Kind `json:"mode"`
	load.Counts
	PerMillion float64 `json:"per_million"`
}

func printJSON(w io.Writer, mode load.Kind, counts load.Counts) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(result{Mode: mode, Counts: counts, PerMillion: counts.PerMillion()})
}
