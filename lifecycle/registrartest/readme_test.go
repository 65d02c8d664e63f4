// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestReadmeListsTheSubtests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, " | "); len(cells) == 3 && !strings.HasPrefix(line, "| subtest") && !strings.HasPrefix(line, "| ---") {
			listed = append(listed, fmt.Sprintf("%s: %s", strings.TrimPrefix(cells[0], "| "), strings.TrimSuffix(cells[2], " |\n")))
		}
	}
	var want []string
	for _, s := range subtests() {
		needs := strings.Join(s.needs, ", ")
		if needs == "" {
			needs = "-"
		}
		want = append(want, fmt.Sprintf("%s: %s", s.name, needs))
	}
	for n, w := range want {
		if n >= len(listed) || listed[n] != w {
			t.Fatalf("row %d of the table is not %q; it has\n%s", n+1, w, strings.Join(listed, "\n"))
		}
	}
	if len(listed) != len(want) {
		t.Errorf("the table has %d rows, want %d", len(listed), len(want))
	}
}
