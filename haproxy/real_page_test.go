// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

// TestRealConfigurationOfThePage: what docs/balancers.md says is to be set is a configuration that HAProxy takes.
func TestRealConfigurationOfThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/balancers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(page), "### What to set\n")
	part, _, _ = strings.Cut(part, "\n| ")
	var text strings.Builder
	for line := range strings.Lines(part) {
		if line, indented := strings.CutPrefix(line, "    "); indented {
			text.WriteString(line)
		}
	}
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(testrun.HAProxy(t), "-c", "-f", file).CombinedOutput(); err != nil || strings.Contains(string(out), "WARNING") {
		t.Errorf("haproxy -c: %v\n%s\nof\n%s", err, out, text.String())
	}
}
