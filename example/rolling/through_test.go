// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/example/internal/load"
	"github.com/lameduck-go/lameduck/internal/testrun"
)

// A call that two backends ran, or one of them twice, is one that was run twice.
func TestCountTwice(t *testing.T) {
	dir := t.TempDir()
	if _, err := countTwice(dir, Stop); err == nil {
		t.Error("countTwice() = nil without any file, want an error: it proves nothing")
	}
	for name, text := range map[string]string{
		"ran-stop-1":     "through-1-1\nfresh-2-1\nthrough-1-2\n",
		"ran-stop-2":     "through-1-1\nthrough-1-3\nfresh-2-1\nfresh-2-1\n",
		"ran-lossless-1": "through-1-1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := countTwice(dir, Stop)
	if err != nil || got[load.Through] != 1 || got[load.Fresh] != 2 {
		t.Errorf("countTwice() = %v, %v; want one of through, two of fresh", got, err)
	}
	if got, err := countTwice(dir, Lossless); err != nil || len(got) != 0 {
		t.Errorf("countTwice() = %v, %v of another strategy, want none", got, err)
	}
}

func TestVerdictOfACallThatWasRunTwice(t *testing.T) {
	r := result{
		Strategy: Lossless, Counts: map[load.Kind]load.Counts{load.Through: {Calls: 9}},
		Twice: map[load.Kind]uint64{load.Through: 1},
	}
	if err := verdict([]result{r}); err == nil || !strings.Contains(err.Error(), "run twice") {
		t.Errorf("verdict() = %v, want that a call was run twice", err)
	}
}

// TestThroughHAProxy needs a HAProxy, as the tests of package haproxy do.
func TestThroughHAProxy(t *testing.T) {
	testrun.HAProxy(t)
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-through", "haproxy", "-strategies", "stop,lossless", "-rate", "50", "-json"}, &stdout, &stderr); code != 0 {
		t.Fatalf("exit status %d\n%s", code, stderr.String())
	}
	var rows []row
	if err := json.Unmarshal(stdout.Bytes(), &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2*len(load.ThroughKinds()) {
		t.Errorf("%d rows, want one for each kind of each strategy: %s", len(rows), stdout.String())
	}
	for _, r := range rows {
		switch {
		case r.RunTwice == nil:
			t.Errorf("%s %s has no count of what was run twice", r.Strategy, r.Client)
		case r.Strategy == Lossless && r.Failed+r.StreamsCut+*r.RunTwice > 0:
			t.Errorf("lossless %s: %d failed, %d cut, %d run twice", r.Client, r.Failed, r.StreamsCut, *r.RunTwice)
		case r.Client == load.Stream && r.Strategy == Stop && r.StreamsCut == 0:
			t.Errorf("stop cut no stream, which cannot be")
		}
	}
}
