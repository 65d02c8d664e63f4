// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// FuzzNew feeds configuration that people type: an error that names its field, or an instance with an address that can
// be dialled, and never a panic or an exit.
func FuzzNew(f *testing.F) {
	f.Add("127.0.0.1:8848", "orders", "", 1.0)
	f.Add("[::1]:8848", "orders", "10.0.0.7:9090", 0.5)
	f.Add("::1:8848", "a@@b", ":70000", -1.0)
	f.Add("host", "", "fe80::1%eth0", 0.0)
	listener := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}
	f.Fuzz(func(t *testing.T, server, service, addr string, weight float64) {
		r, err := New(Config{Servers: []string{server}}, Instance{Service: service, Addr: addr, Weight: weight})
		if err != nil {
			for _, field := range []string{"Servers", "Service", "Addr", "Weight"} {
				if strings.Contains(err.Error(), field) {
					return
				}
			}
			t.Fatalf("New() = %v, want an error that names the field", err)
		}
		defer r.Close()
		at, err := publishedAt(r.inst.Addr, listener, func() (netip.Addr, error) { return netip.MustParseAddr("10.0.0.8"), nil })
		if err != nil {
			t.Fatalf("publishedAt(%q) = %v, want nil: New has accepted it", addr, err)
		}
		if !at.IsValid() || at.Port() == 0 || at.Addr().IsUnspecified() {
			t.Fatalf("publishedAt(%q) = %v, want an address that can be dialled", addr, at)
		}
	})
}
