// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

func ms(n ...int) []time.Duration {
	var all []time.Duration
	for _, n := range n {
		all = append(all, time.Duration(n)*time.Millisecond)
	}
	return all
}

func TestJSONShape(t *testing.T) {
	var out bytes.Buffer
	results := []result{{
		Strategy: Strict,
		Counts: map[load.Kind]load.Counts{
			load.Fresh:  {Calls: 3000, Failed: 2},
			load.Stream: {Streams: 9, StreamsCut: 1},
		},
		Exits: ms(600, 1700, 500),
	}}
	if err := print(&out, &command{json: true}, results); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(load.Kinds()) {
		t.Fatalf("%d objects, want one for each of %v", len(got), load.Kinds())
	}
	want := map[string]any{
		"strategy": "strict", "client": "fresh", "calls": 3000.0, "failed": 2.0, "per_million": 667.0,
		"streams": 0.0, "streams_cut": 0.0, "exit_ms_median": 600.0, "exit_ms_max": 1700.0,
	}
	if !reflect.DeepEqual(got[4], want) {
		t.Errorf("object 5 = %v, want %v", got[4], want)
	}
	if got[5]["client"] != "stream" || got[5]["streams"] != 9.0 || got[5]["streams_cut"] != 1.0 {
		t.Errorf("object 6 = %v, want stream with 9 streams, 1 cut", got[5])
	}
}

func TestJSONOfNothing(t *testing.T) {
	var out bytes.Buffer
	if err := print(&out, &command{json: true}, nil); err != nil || strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("print() of no results = %q, %v, want [], nil", out.String(), err)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	results := []result{{
		Strategy: Lossless,
		Counts:   map[load.Kind]load.Counts{load.Resolver: {Calls: 1000, Failed: 1}, load.Stream: {Streams: 9}},
		Exits:    ms(1500, 2000),
	}}
	if err := print(&out, &command{}, results); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	want := []string{"lossless", "resolver", "1000", "1", "1000", "-", "-", "1.50", "s", "2.00", "s"}
	if got := strings.Fields(lines[1]); !slices.Equal(got, want) {
		t.Errorf("first line = %q, want %q", got, want)
	}
	want = []string{"lossless", "stream", "-", "-", "-", "9", "0", "1.50", "s", "2.00", "s"}
	if got := strings.Fields(lines[6]); !slices.Equal(got, want) {
		t.Errorf("last line = %q, want %q", got, want)
	}
	if !strings.Contains(out.String(), "settle 500ms") {
		t.Errorf("no settle time under the table:\n%s", out.String())
	}
}

func TestSpread(t *testing.T) {
	for _, test := range []struct {
		in              []time.Duration
		median, longest int
	}{
		{nil, 0, 0},
		{ms(5), 5, 5},
		{ms(9, 1), 1, 9},
		{ms(9, 1, 4), 4, 9},
	} {
		median, longest := spread(test.in)
		if want := ms(test.median, test.longest); median != want[0] || longest != want[1] {
			t.Errorf("spread(%v) = %v, %v, want %v, %v", test.in, median, longest, want[0], want[1])
		}
	}
}

func TestVerdict(t *testing.T) {
	clean := map[load.Kind]load.Counts{load.Resolver: {Calls: 10}, load.Stream: {Streams: 8}}
	lost := map[load.Kind]load.Counts{load.Resolver: {Calls: 10}, load.Fresh: {Calls: 10, Failed: 1}}
	cut := map[load.Kind]load.Counts{load.Resolver: {Calls: 10}, load.Stream: {Streams: 8, StreamsCut: 1}}
	tests := []struct {
		name string
		in   result
		bad  bool
	}{
		{"clean", result{Strategy: Lossless, Counts: clean}, false},
		{"lost a call", result{Strategy: Lossless, Counts: lost}, true},
		{"cut a stream", result{Strategy: Lossless, Counts: cut}, true},
		{"exit status", result{Strategy: Lossless, Counts: clean, Problems: []string{"forced"}}, true},
		{"no calls", result{Strategy: Lossless, Counts: nil}, true},
		{"another strategy", result{Strategy: Stop, Counts: lost, Problems: []string{"forced"}}, false},
	}
	for _, test := range tests {
		if err := verdict([]result{{Strategy: Sleep, Counts: lost}, test.in}); (err != nil) != test.bad {
			t.Errorf("%s: verdict() = %v, want an error: %v", test.name, err, test.bad)
		}
	}
}

func TestParseStrategies(t *testing.T) {
	got, err := parseStrategies("lossless, stop,lossless")
	if want := []Strategy{Stop, Lossless}; err != nil || !slices.Equal(got, want) {
		t.Errorf("parseStrategies() = %v, %v, want %v, nil", got, err, want)
	}
}

func TestLanes(t *testing.T) {
	got := lanes(strategies)
	want := [][]Strategy{{Sleep, Recreate}, {Stop, DeregGraceful, Strict, Lossless}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("lanes() = %v, want %v", got, want)
	}
	if got := lanes([]Strategy{Lossless}); !reflect.DeepEqual(got, [][]Strategy{{Lossless}}) {
		t.Errorf("lanes(lossless) = %v, want one", got)
	}
}
