// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package haproxy_test runs the script.
package haproxy_test

import (
	"fmt"
	"math/rand/v2"
	"net"
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
	path := testrun.HAProxy(t)
	script := exec.Command("bash", "restart.sh", t.TempDir())
	script.Env = append(os.Environ(), "HAPROXY_TEST_BIN="+path, "PORT="+freePorts(t))
	out, err := script.CombinedOutput()
	t.Logf("%s", out)
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), " calls, 0 failed, 0 run twice") {
		t.Errorf("restart.sh: %v, want no call that has failed or was run twice", err)
	}
}

// freePorts is the beginning of three ports, which end with 1, 2 and 3 and which nobody has. The other tests that choose
// ports have higher ones.
func freePorts(t *testing.T) string {
	for range 1000 {
		prefix, free := fmt.Sprint(300+rand.IntN(500)), 0
		for end := 1; end <= 3; end++ {
			if lis, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", prefix, end)); err == nil {
				_ = lis.Close()
				free++
			}
		}
		if free == 3 {
			return prefix
		}
	}
	t.Fatal("no free ports")
	return ""
}
