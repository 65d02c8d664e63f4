// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package haproxy_test runs the script.
package haproxy_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Skip("TestRestart")
	m.Run()
}

// TestRestart needs a HAProxy, as the tests of package haproxy do.
func TestRestart(t *testing.T) {
	name := os.Getenv("HAPROXY_TEST_BIN")
	if name == "" {
		name = "haproxy"
	}
	path, err := exec.LookPath(name)
	if err != nil && name == "haproxy" {
		path, err = exec.LookPath("/usr/sbin/haproxy")
	}
	switch {
	case err == nil:
	case os.Getenv("HAPROXY_TEST_REQUIRED") == "1":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
	script := exec.Command("bash", "restart.sh", t.TempDir())
	script.Env = append(os.Environ(), "HAPROXY_TEST_BIN="+path, fmt.Sprint("PORT=", 2000+rand.IntN(1000)))
	out, err := script.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), " calls, 0 failed, 0 run twice") {
		t.Errorf("restart.sh: %v, want no call that has failed or was run twice", err)
	}
}
