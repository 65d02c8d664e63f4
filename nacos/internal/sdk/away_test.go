// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestAway(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	registry.Kill()
	frozen := nacostest.Start(t)
	frozen.Freeze()
	t.Cleanup(frozen.Thaw)
	for _, test := range []struct{ addr, want string }{
		{registry.Addr(), "connection refused"},
		{frozen.Addr(), "does not answer"},
	} {
		var log text
		s, err := Prepare(Config{Servers: []string{test.addr}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		var a away
		start := time.Now()
		for n := range 40 { // seconds: at 3, 18 and 33
			a.look(t.Context(), s, false, start.Add(time.Duration(n)*awayLook))
		}
		if n := strings.Count(log.String(), test.want); n != 3 {
			t.Errorf("%d lines with %q in 40 s, want 3:\n%s", n, test.want, log.String())
		}
		if !strings.Contains(log.String(), test.addr) {
			t.Errorf("lines without %s:\n%s", test.addr, log.String())
		}
		a.look(t.Context(), s, true, start.Add(41*time.Second))
		a.look(t.Context(), s, true, start.Add(42*time.Second))
		if n := strings.Count(log.String(), "reached again"); n != 1 {
			t.Errorf("%d lines that it is reached again, want 1", n)
		}
		for n := range 3 { // a short one
			a.look(t.Context(), s, n == 2, start.Add(time.Duration(50+n)*awayLook))
		}
		if n := strings.Count(log.String(), "\n"); n != 4 {
			t.Errorf("%d lines in all, want 4:\n%s", n, log.String())
		}
	}
}
