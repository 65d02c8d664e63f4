// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"net"
	"strconv"
	"strings"
	"testing"
)

// pair returns a port N, and listeners on N and N+1000 that are open as wanted.
func pair(t *testing.T, http, rpc bool) string {
	t.Helper()
	for range 100 {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, number, _ := net.SplitHostPort(first.Addr().String())
		n, _ := strconv.Atoi(number)
		second, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n+1000)))
		if err != nil {
			first.Close()
			continue
		}
		for _, l := range []struct {
			net.Listener
			open bool
		}{{first, http}, {second, rpc}} {
			if l.open {
				t.Cleanup(func() { l.Close() })
			} else {
				l.Close()
			}
		}
		return first.Addr().String()
	}
	t.Fatal("no pair of ports")
	return ""
}

func TestReachNamesThePortThatIsClosed(t *testing.T) {
	for _, test := range []struct {
		name      string
		http, rpc bool
		want      string // HTTP and GRPC stand for the ports
	}{
		{"both open", true, true, ""},
		{"both closed", false, false, "cannot reach HTTP (gRPC GRPC): connection refused"},
		{"gRPC closed", true, false, "cannot reach the gRPC port GRPC (HTTP answers): connection refused"},
		{"HTTP closed", false, true, "cannot reach HTTP (its gRPC port GRPC answers): connection refused"},
	} {
		addr := pair(t, test.http, test.rpc)
		settings, err := Prepare(Config{Servers: []string{addr}})
		if err != nil {
			t.Fatal(err)
		}
		host, number, _ := net.SplitHostPort(addr)
		n, _ := strconv.Atoi(number)
		want := strings.NewReplacer("HTTP", addr, "GRPC", net.JoinHostPort(host, strconv.Itoa(n+1000))).Replace(test.want)
		got := ""
		if err := settings.Reach(t.Context()); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: Reach() = %q, want %q", test.name, got, want)
		}
	}
}

func TestReachOfAnUnknownHost(t *testing.T) {
	settings, err := Prepare(Config{Servers: []string{"no-such-host.invalid:8848"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := settings.Reach(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot reach no-such-host.invalid:8848 (gRPC no-such-host.invalid:9848): ") {
		t.Errorf("Reach() = %v, want the host, and why", err)
	}
}
