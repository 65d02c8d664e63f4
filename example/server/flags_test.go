// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongFlags(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing", "report.json")
	tests := []struct {
		name string // that the line has to mention
		args []string
	}{
		{"-nonsense", []string{"-nonsense"}},
		{"argument", []string{"serve"}},
		{"-listen", []string{"-listen", "8080"}},
		{"-listen", []string{"-listen", "127.0.0.1:http"}},
		{"-listen", []string{"-listen", "127.0.0.1:65536"}},
		{"-advertise", []string{"-advertise", "10.0.0.1:0"}},
		{"-advertise", []string{"-advertise", "example.org:80"}},
		{"-advertise", []string{"-advertise", "0.0.0.0"}},
		{"-advertise", []string{"-advertise", "[::]:80"}},
		{"-advertise", []string{"-advertise", "::1:80:x"}},
		{"-nacos", []string{"-nacos", "127.0.0.1"}},
		{"-nacos", []string{"-nacos", "::1:8848"}},
		{"-nacos", []string{"-nacos", ":8848"}},
		{"-nacos", []string{"-nacos", "127.0.0.1:0"}},
		{"-service", []string{"-nacos", "127.0.0.1:8848", "-service", ""}},
		{"-policy", []string{"-policy", "loose"}},
		{"-budget", []string{"-budget", "25"}},
		{"-budget", []string{"-budget", "0s"}},
		{"-settle", []string{"-settle", "-1s"}},
		{"-settle", []string{"-settle", "13s"}},
		{"-settle", []string{"-settle", "soon"}},
		{"-quiet", []string{"-quiet", "-1s"}},
		{"-on-offline", []string{"-on-offline", "sleep"}},
		{"-work", []string{"-work", "20ms-0"}},
		{"-report", []string{"-report", missing}},
		{"-report", []string{"-report", t.TempDir()}},
	}
	for _, test := range tests {
		var stdout, stderr bytes.Buffer
		code := run(test.args, &stdout, &stderr)
		if code != 2 || stdout.Len() > 0 {
			t.Errorf("run(%q) = %d and %q on stdout, want 2 and nothing", test.args, code, stdout.String())
		}
		line := stderr.String()
		if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "server: ") || !strings.Contains(line, test.name) {
			t.Errorf("run(%q) wrote %q, want one line that names %s", test.args, line, test.name)
		}
	}
}

func TestGoodFlags(t *testing.T) {
	for _, args := range [][]string{
		nil,
		{"-listen", ":0", "-advertise", "10.0.0.1"},
		{"-listen", "[::1]:0", "-advertise", ":9000"},
		{"-advertise", "[fd00::1]:9000", "-nacos", "[::1]:8848", "-namespace", "test", "-group", "G"},
		{"-policy", "strict", "-budget", "10s", "-settle", "0s", "-quiet", "0s", "-on-offline", "exit"},
		{"-work", "0-20ms", "-report", filepath.Join(t.TempDir(), "report.json")},
	} {
		var c command
		err := c.flags().Parse(args)
		if err == nil {
			err = c.check()
		}
		if err != nil {
			t.Errorf("check() of %q = %v, want nil", args, err)
		}
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run([]string{"-help"}, &stdout, &stderr); code != 0 || !strings.Contains(stderr.String(), "-on-offline") {
		t.Errorf("run(-help) = %d and %q, want 0 and the flags", code, stderr.String())
	}
}
