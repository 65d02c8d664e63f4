// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

// asProgram makes the test binary the program: it sends itself a signal.
const asProgram = "LAMEDUCK_OBSERVED"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

// TestTranscript: each of the six questions of docs/operations.md has an answer.
func TestTranscript(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("above\n"+beginMark+"old\n"+endMark+"below\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-write", page)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "above\n"+beginMark+"\n### The log") || !strings.HasSuffix(string(text), endMark+"below\n") {
		t.Error("the transcript does not stand between its marks")
	}
	for question, pattern := range map[string]string{
		"is it draining, and why":      `msg="offline begins" trigger="signal terminated"`,
		"what is it waiting for":       `msg=waiting phase=quiet .* unnamed=1 .* method=/grpc.testing.TestService/FullDuplexCall`,
		"until when":                   `"waits_for": "a time without calls",\s*"until": `,
		"who still calls":              `"user_agent": "pinned/1.0`,
		"was settle right":             `Advice: WithSettle\(\S+\): try it .* it does not help a caller that follows no registry`,
		"where are we registered":      `msg=registered .* published="127.0.0.1:\d+ weight=1 metadata=zone"`,
		"did we lose something":        `level=WARN msg="offline ends" .* report.streams_ended=1 .* report.calls_cut=0`,
		"the same as sentences":        `What clients may have noticed: 1 stream ended early`,
		"the same as metrics":          `lameduck.rpc.ended 1`,
		"a duration before the exit":   `lameduck.offline.duration\{lameduck.outcome="stopped"`,
		"state is not more than it is": `msg=state from=starting to=serving listed_by="0 of 1"`,
	} {
		if !regexp.MustCompile(pattern).Match(text) {
			t.Errorf("%s: %s is not in\n%s", question, pattern, text)
		}
	}
	if strings.Contains(string(text), "\nold\n") {
		t.Error("what stood between the marks is left")
	}
}
