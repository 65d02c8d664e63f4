// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

// row is a line of the table and an object of -json: what one kind of client saw of one strategy.
type row struct {
	Strategy     Strategy  `json:"strategy"`
	Client       load.Kind `json:"client"`
	Calls        uint64    `json:"calls"`
	Failed       uint64    `json:"failed"`
	PerMillion   float64   `json:"per_million"`
	Streams      uint64    `json:"streams"`
	StreamsCut   uint64    `json:"streams_cut"`
	RunTwice     *uint64   `json:"run_twice,omitempty"` // with -through
	ExitMSMedian int64     `json:"exit_ms_median"`      // from SIGTERM to the end of the process
	ExitMSMax    int64     `json:"exit_ms_max"`
}

func rows(results []result) []row {
	rows := []row{} // an empty array in JSON, not null
	for _, r := range results {
		median, longest := spread(r.Exits)
		for _, kind := range kindsOf(r) {
			counts := r.Counts[kind]
			rows = append(rows, row{
				RunTwice: r.twice(kind),
				Strategy: r.Strategy, Client: kind,
				Calls: counts.Calls, Failed: counts.Failed, PerMillion: math.Round(counts.PerMillion()),
				Streams: counts.Streams, StreamsCut: counts.StreamsCut,
				ExitMSMedian: median.Milliseconds(), ExitMSMax: longest.Milliseconds(),
			})
		}
	}
	return rows
}

// kindsOf are those that have called.
func kindsOf(r result) []load.Kind {
	if r.Twice != nil {
		return load.ThroughKinds()
	}
	return load.Kinds()
}

func (r result) twice(kind load.Kind) *uint64 {
	if r.Twice == nil {
		return nil
	}
	n := r.Twice[kind]
	return &n
}

// spread returns the median (the lower one of an even number) and the maximum, zeros of nothing.
func spread(durations []time.Duration) (median, longest time.Duration) {
	if len(durations) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[(len(sorted)-1)/2], sorted[len(sorted)-1]
}

func print(w io.Writer, c *command, results []result) error {
	if c.json {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(rows(results))
	}
	if err := printTable(w, rows(results)); err != nil {
		return err
	}
	return printNotes(w, c)
}

func printTable(w io.Writer, rows []row) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	through := len(rows) > 0 && rows[0].RunTwice != nil
	head := "strategy\tclient\tcalls\tfailed\tper million\tstreams\tcut\texit median\texit max\t"
	if through {
		head += "run twice\t"
	}
	fmt.Fprintln(table, head)
	for _, r := range rows {
		calls, streams, twice := "-\t-\t-", "-\t-", "-"
		if r.Client == load.Stream {
			streams = fmt.Sprintf("%d\t%d", r.Streams, r.StreamsCut)
		} else {
			calls = fmt.Sprintf("%d\t%d\t%.0f", r.Calls, r.Failed, r.PerMillion)
			if through {
				twice = fmt.Sprint(*r.RunTwice)
			}
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.2f s\t%.2f s\t", r.Strategy, r.Client, calls, streams,
			float64(r.ExitMSMedian)/1000, float64(r.ExitMSMax)/1000)
		if through {
			fmt.Fprint(table, twice, "\t")
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// printNotes says under which conditions the figures were taken.
func printNotes(w io.Writer, c *command) error {
	settle := fmt.Sprintf("settle %v, for one known registry node", oneNodeSettle)
	if c.through != "" {
		return printThroughNotes(w, c)
	}
	if c.nacos != "" || c.nodes > 1 {
		settle = "settle as the registrar says"
	}
	if c.replicas == 1 {
		if _, err := fmt.Fprintf(w, `
recreate: lossless, and the next process is started when the one before has ended. In between there is nobody; that is not
lameduck's loss, and it cannot be mended there. All others start the next one first, and end the old one when it is ready.
`); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, `
strict, lossless: %s; everything else as it comes, but strict tells its streams before it waits for zero.
stop, dereg-graceful, sleep: plain SDK and grpc-go; GracefulStop is cut after %v, for long streams would hold it for ever.
perinstance closes a channel when its instance has left the list and its last call has its answer. Clients repeat nothing by themselves; grpc-go repeats calls that no server has seen.
seed %d
`, settle, stopLimit, c.seed)
	return err
}

func printThroughNotes(w io.Writer, c *command) error {
	_, err := fmt.Fprintf(w, `
strict, lossless: the registrar of package haproxy; everything else as it comes, but strict tells its streams before it waits for zero.
stop: Stop at once, HAProxy finds out by its check. dereg-graceful, sleep: "set server state drain", and GracefulStop at once or after %v, which is cut after %v.
run twice: calls that a backend ran although one had run them before, by the names that they carry. HAProxy answers a call whose connection has ended with REFUSED_STREAM, and grpc clients send it again.
seed %d
`, sleepTime, stopLimit, c.seed)
	return err
}

// verdict returns an error when Lossless was not.
func verdict(results []result) error {
	for _, r := range results {
		if r.Strategy != Lossless {
			continue
		}
		var sum load.Counts
		for _, counts := range r.Counts {
			sum = sum.Add(counts)
		}
		if sum.Calls == 0 {
			return errors.New("lossless: no call was made, which proves nothing")
		}
		if sum.Failed+sum.StreamsCut > 0 {
			return fmt.Errorf("lossless lost %d of %d calls and cut %d of %d streams", sum.Failed, sum.Calls, sum.StreamsCut, sum.Streams)
		}
		for kind, n := range r.Twice {
			if n > 0 {
				return fmt.Errorf("lossless: %d calls of %s were run twice", n, kind)
			}
		}
		if len(r.Problems) > 0 {
			return fmt.Errorf("lossless: %d exits were not clean", len(r.Problems))
		}
	}
	return nil
}
