// SPDX-License-Identifier: Apache-2.0

package flags

import (
	"flag"
	"strings"
	"testing"
)

func TestAddresses(t *testing.T) {
	hostPort := func(name, addr string) error { return HostPort(name, addr, 1) }
	tests := []struct {
		check func(name, addr string) error
		good  []string
		bad   []string
	}{
		{hostPort, []string{"localhost:1", "127.0.0.1:65535", "[::1]:8848"}, []string{"", "localhost", ":80", "::1:80", "h:0", "h:65536", "h:x", "h:"}},
		{Listen, []string{":0", "127.0.0.1:0", "[::]:80"}, []string{"", "80", "127.0.0.1", "::1:80", ":x", ":65536"}},
		{Advertise, []string{"", "10.0.0.1", "::1", ":80", "10.0.0.1:80", "[::1]:80"}, []string{"host", "host:80", ":0", "10.0.0.1:", "10.0.0.1:65536"}},
	}
	for i, test := range tests {
		for _, addr := range test.good {
			if err := test.check("addr", addr); err != nil {
				t.Errorf("check %d of %q = %v, want nil", i, addr, err)
			}
		}
		for _, addr := range test.bad {
			if err := test.check("addr", addr); err == nil || !strings.Contains(err.Error(), "flag -addr") {
				t.Errorf("check %d of %q = %v, want an error that names -addr", i, addr, err)
			}
		}
	}
}

func TestParseIsSilent(t *testing.T) {
	for _, args := range [][]string{{"-n", "x"}, {"-m"}, {"rest"}} {
		set := flag.NewFlagSet("program", flag.ContinueOnError)
		set.Int("n", 0, "")
		err := Parse(set, args)
		if err == nil {
			t.Errorf("Parse(%q) = nil, want an error", args)
			continue
		}
		var out strings.Builder
		if code := Exit(set, err, &out); code != ExitUsage || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("Exit(%v) = %d and %q, want %d and one line", err, code, out.String(), ExitUsage)
		}
	}
}
