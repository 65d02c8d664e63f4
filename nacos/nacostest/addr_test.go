// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestOptionsAddr(t *testing.T) {
	t.Parallel()
	first := nacostest.Start(t, nacostest.Options{Addr: "localhost:0"})
	if !strings.HasPrefix(first.Addr(), "localhost:") {
		t.Errorf("Addr() = %q, want localhost and a port", first.Addr())
	}
	addr := first.Addr()
	first.Close()
	again := nacostest.Start(t, nacostest.Options{Addr: addr})
	if again.Addr() != addr {
		t.Errorf("Addr() = %q, want %q", again.Addr(), addr)
	}
	if err := again.Restart(0); err != nil {
		t.Errorf("Restart() = %v, want nil", err)
	}
	if status, _ := get(t, again, "/nacos/v1/ns/instance/list?serviceName=orders"); status != 200 {
		t.Errorf("GET list after a restart = %d, want 200", status)
	}
}

func TestWrongOptionsAddr(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for addr, want := range map[string]string{
		"8848":               "HOST:PORT",
		":8848":              "HOST:PORT",
		"127.0.0.1:http":     "not a number",
		"127.0.0.1:-1":       "not a number",
		"127.0.0.1:65536":    "not a number",
		"127.0.0.1:64536":    "above 64535",
		busy.Addr().String(): "listen tcp " + busy.Addr().String(),
		beneath(busy.Addr()): "the gRPC port",
	} {
		s, err := nacostest.NewServer(nacostest.Options{Addr: addr})
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "Options.Addr") {
			t.Errorf("NewServer() with Addr %q = %v, want an error with Options.Addr and %q", addr, err, want)
		}
	}
	if _, err := nacostest.NewCluster(2, nacostest.Options{Addr: "127.0.0.1:8848"}); err == nil || !strings.Contains(err.Error(), "one port") {
		t.Errorf("NewCluster(2) with a port = %v, want an error", err)
	}
}

// beneath is the HTTP port whose gRPC port is addr's.
func beneath(addr net.Addr) string {
	return fmt.Sprintf("127.0.0.1:%d", addr.(*net.TCPAddr).Port-1000)
}

func TestServices(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	want := []string{"orders", "payments@@orders", "public@@DEFAULT_GROUP@@a@@b", "staging@@DEFAULT_GROUP@@orders"}
	for _, service := range want {
		if _, err := s.Publish(service, here); err != nil {
			t.Fatal(err)
		}
	}
	s.SetEnabled("orders", here, false)
	if got := s.Services(); !slices.Equal(got, want) {
		t.Errorf("Services() = %q, want %q", got, want)
	}
	s.Kill()
	if got := s.Services(); got != nil {
		t.Errorf("Services() of a server that is down = %q, want nil", got)
	}
}
