// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	switch {
	case isBackend():
		os.Exit(backendMain())
	case isPlayer():
		os.Exit(playerMain())
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

func TestWrongFlags(t *testing.T) {
	tests := []struct {
		name string // that the line has to mention
		args []string
	}{
		{"-nacos", []string{"-nacos", "127.0.0.1"}},
		{"-strategies", []string{"-strategies", "stop,hope"}},
		{"-strategies", []string{"-strategies", ""}},
		{"-seconds", []string{"-seconds", "-1"}},
		{"-seconds", []string{"-seconds", "NaN"}},
		{"-rate", []string{"-rate", "0"}},
		{"-rate", []string{"-rate", "5001"}},
		{"-seed", []string{"-seed", "-1"}},
		{"-nodes", []string{"-nodes", "0"}},
		{"-nodes", []string{"-nodes", "4"}},
		{"-nodes", []string{"-nodes", "2", "-nacos", "127.0.0.1:8848"}},
		{"-replicas", []string{"-replicas", "0"}},
		{"-replicas", []string{"-replicas", "4"}},
		{"-strategies", []string{"-strategies", "recreate"}},
		{"-through", []string{"-through", "nginx"}},
		{"-through", []string{"-through", "haproxy", "-nacos", "127.0.0.1:8848"}},
		{"-replicas", []string{"-through", "haproxy", "-replicas", "1"}},
		{"-nonsense", []string{"-nonsense"}},
		{"argument", []string{"lossless"}},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, &stdout, &stderr)
		if code != 2 || stdout.Len() > 0 {
			t.Errorf("run(%q) = %d and %q on stdout, want 2 and nothing", test.args, code, stdout.String())
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "rolling: ") || !strings.Contains(line, test.name) {
			t.Errorf("run(%q) wrote %q, want one line that names %s", test.args, line, test.name)
		}
	}
}

// The shortest whole run: six restarts of real processes, with a strategy that loses calls and streams.
func TestStopLosesCalls(t *testing.T) {
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-strategies", "stop", "-rate", "50", "-seed", "1", "-json"}, &stdout, &stderr)
	if code != 0 {
		t.Fatalf("run() = %d, want 0\n%s", code, stderr.String())
	}
	var got []row
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatalf("stdout %s: %v", stdout.Bytes(), err)
	}
	var calls, failed, streams, cut uint64
	for _, r := range got {
		if r.Strategy != Stop || r.ExitMSMax < r.ExitMSMedian {
			t.Errorf("row %+v, want strategy stop and a maximum that is one", r)
		}
		calls, failed, streams, cut = calls+r.Calls, failed+r.Failed, streams+r.Streams, cut+r.StreamsCut
	}
	if len(got) != 6 || calls == 0 || failed == 0 || failed > calls/2 || streams < openStreams || cut == 0 {
		t.Errorf("run() printed %+v\nwant six kinds, calls of which some failed, streams of which some were cut", got)
	}
	if restarts := strings.Count(stderr.String(), "restarts backend"); restarts != 6 {
		t.Errorf("%d restarts on stderr, want 6\n%s", restarts, stderr.String())
	}
}

// cancelOn is stderr for a run that is interrupted when a text appears on it.
type cancelOn struct {
	bytes.Buffer
	text   string
	cancel context.CancelFunc
}

func (c *cancelOn) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(c.text)) {
		c.cancel()
	}
	return c.Buffer.Write(line)
}

// run waits for its players, and they for their backends, so a return means that no process is left.
func TestInterrupt(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &cancelOn{text: "restarts backend", cancel: cancel}
	var stdout bytes.Buffer
	if code := run(ctx, []string{"-strategies", "lossless", "-rate", "20"}, &stdout, stderr); code != 1 || stdout.Len() > 0 {
		t.Errorf("run() interrupted = %d and %q on stdout, want 1 and nothing\n%s", code, stdout.String(), stderr.String())
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("temporary directory after run(): %v, %v, want it empty", left, err)
	}
}
