// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/example/internal/load"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestWrongFlags(t *testing.T) {
	nacos := []string{"-nacos", "127.0.0.1:8848"}
	tests := []struct {
		name string // that the line has to mention
		args []string
	}{
		{"-nacos", nil},
		{"-nacos", []string{"-nacos", "127.0.0.1"}},
		{"-nacos", []string{"-nacos", "127.0.0.1:0"}},
		{"-service", append(nacos, "-service", "")},
		{"-rate", append(nacos, "-rate", "0")},
		{"-rate", append(nacos, "-rate", "NaN")},
		{"-rate", append(nacos, "-rate", "1e9")},
		{"-rate", append(nacos, "-rate", "fast")},
		{"-streams", append(nacos, "-streams", "0")},
		{"-seconds", append(nacos, "-seconds", "-1")},
		{"-seconds", append(nacos, "-seconds", "Inf")},
		{"-mode", append(nacos, "-mode", "roundrobin")},
		{"-seed", append(nacos, "-seed", "x")},
		{"-nonsense", append(nacos, "-nonsense")},
		{"argument", append(nacos, "more")},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, &stdout, &stderr)
		if code != 2 || stdout.Len() > 0 {
			t.Errorf("run(%q) = %d and %q on stdout, want 2 and nothing", test.args, code, stdout.String())
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "client: ") || !strings.Contains(line, test.name) {
			t.Errorf("run(%q) wrote %q, want one line that names %s", test.args, line, test.name)
		}
	}
}

// Nothing is listed, so every call fails, and that is what a measurement is for.
func TestMeasureCountsFailures(t *testing.T) {
	registry := nacostest.Start(t)
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-nacos", registry.Addr(), "-mode", "fresh", "-rate", "100", "-seconds", "0.3", "-json"}, &stdout, &stderr)
	if code != 0 || stderr.Len() > 0 {
		t.Fatalf("run() = %d and %q on stderr, want 0 and nothing", code, stderr.String())
	}
	var got result
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("stdout %s: %v", stdout.Bytes(), err)
	}
	if got.Mode != load.Fresh || got.Calls == 0 || got.Failed != got.Calls || got.Codes["UNAVAILABLE"] != got.Calls || got.PerMillion != 1e6 {
		t.Errorf("run() printed %+v, want every call failed with UNAVAILABLE", got)
	}
}

func TestPrintJSON(t *testing.T) {
	var out bytes.Buffer
	counts := load.Counts{Calls: 4, Failed: 1, Codes: map[string]uint64{"OK": 3, "UNAVAILABLE": 1}, Samples: []string{"text"}}
	if err := printJSON(&out, load.Resolver, counts); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"mode": "resolver", "calls": 4.0, "failed": 1.0, "per_million": 250000.0, "streams": 0.0, "streams_cut": 0.0,
		"codes": map[string]any{"OK": 3.0, "UNAVAILABLE": 1.0},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("printJSON() = %v, want %v", got, want)
	}
}

func TestPrintText(t *testing.T) {
	var out bytes.Buffer
	counts := load.Counts{Calls: 4, Failed: 1, Codes: map[string]uint64{"UNAVAILABLE": 1, "OK": 3}, Samples: []string{"12:00:00 call: gone"}}
	if err := printText(&out, load.Fresh, counts); err != nil {
		t.Fatal(err)
	}
	want := "        calls  4\n       failed  1\n           OK  3\n  UNAVAILABLE  1\n12:00:00 call: gone\n"
	if out.String() != want {
		t.Errorf("printText() =\n%s\nwant\n%s", out.String(), want)
	}
}
