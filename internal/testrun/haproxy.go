// SPDX-License-Identifier: Apache-2.0

package testrun

import (
	"os"
	"os/exec"
	"testing"
)

// HAProxy returns the HAProxy that HAPROXY_TEST_BIN names, else the one of the path. Where there is none the test is
// left out; with HAPROXY_TEST_REQUIRED=1 it fails.
func HAProxy(t testing.TB) string {
	t.Helper()
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
		t.Fatalf("no HAProxy, and HAPROXY_TEST_REQUIRED=1 wants one: %v", err)
	default:
		t.Skipf("no HAProxy: %v", err)
	}
	return path
}
