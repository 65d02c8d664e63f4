// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"net"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// FuzzNew feeds configuration that people type: an error that names its field, or an instance with an address that can
// be dialled, and never a panic or an exit. servers are apart by spaces, so that there may be several.
func FuzzNew(f *testing.F) {
	f.Add("127.0.0.1:8848", "", "", "", "orders", "", "", "", 1.0, "version", "1.4.2")
	f.Add("[::1]:8848 10.0.0.1:8848", "staging", "nacos", "secret", "orders", "shop", "north", "10.0.0.7:9090", 0.5, "", "")
	f.Add("::1:8848", "a b", "", "secret", "a@@b", "@", "a,b", ":70000", -1.0, "", "x")
	f.Add("host", "", "nacos", "", "", "", "", "fe80::1%eth0", 0.0, "k", "")
	listener := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}
	f.Fuzz(func(t *testing.T, servers, namespace, username, password, service, group, cluster, addr string, weight float64, key, value string) {
		r, err := New(
			Config{Servers: strings.Split(servers, " "), Namespace: namespace, Username: username, Password: password},
			Instance{Service: service, Group: group, Cluster: cluster, Addr: addr, Weight: weight, Metadata: map[string]string{key: value}})
		if err != nil {
			if !namesField.MatchString(err.Error()) {
				t.Fatalf("New() = %v, want an error that names the field", err)
			}
			return
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

var namesField = regexp.MustCompile(`^nacos: (Config\.(Servers(\[\d+\])?|Namespace|Username|Password)|Instance\.(Service|Group|Cluster|Addr|Weight|Metadata))[ :]`)
