// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	good := Config{Servers: []string{"127.0.0.1:8848"}}
	for name, test := range map[string]struct {
		inst Instance
		want string
	}{
		"service empty":          {Instance{}, "Instance.Service: empty"},
		"service with group":     {Instance{Service: "g@@s"}, "Instance.Service"},
		"service with space":     {Instance{Service: "a b"}, "Instance.Service"},
		"service in Chinese":     {Instance{Service: "订单"}, "Instance.Service"},
		"service too long":       {Instance{Service: strings.Repeat("x", 513)}, "Instance.Service"},
		"group with separator":   {Instance{Service: "s", Group: "a@@b"}, "Instance.Group"},
		"group with space":       {Instance{Service: "s", Group: " "}, "Instance.Group"},
		"cluster with separator": {Instance{Service: "s", Cluster: "a,b"}, "Instance.Cluster"},
		"weight negative":        {Instance{Service: "s", Weight: -1}, "Instance.Weight"},
		"weight NaN":             {Instance{Service: "s", Weight: math.NaN()}, "Instance.Weight"},
		"weight infinite":        {Instance{Service: "s", Weight: math.Inf(1)}, "Instance.Weight"},
		"weight too large":       {Instance{Service: "s", Weight: 10001}, "Instance.Weight"},
		"metadata key empty":     {Instance{Service: "s", Metadata: map[string]string{"": "x"}}, "Instance.Metadata"},
		"metadata too long":      {Instance{Service: "s", Metadata: map[string]string{"k": strings.Repeat("x", 1024)}}, "Instance.Metadata"},
		"addr host name":         {Instance{Service: "s", Addr: "host:1"}, "Instance.Addr"},
		"addr port zero":         {Instance{Service: "s", Addr: ":0"}, "Instance.Addr"},
		"addr port too large":    {Instance{Service: "s", Addr: "10.0.0.1:65536"}, "Instance.Addr"},
		"addr unspecified":       {Instance{Service: "s", Addr: "0.0.0.0"}, "Instance.Addr"},
		"addr colon":             {Instance{Service: "s", Addr: ":"}, "Instance.Addr"},
		"addr zone":              {Instance{Service: "s", Addr: "[fe80::1%eth0]:1"}, "Instance.Addr"},
		"addr multicast":         {Instance{Service: "s", Addr: "224.0.0.1:1"}, "Instance.Addr"},
		"addr broadcast":         {Instance{Service: "s", Addr: "255.255.255.255:1"}, "Instance.Addr"},
		"metadata not UTF-8":     {Instance{Service: "s", Metadata: map[string]string{"k": "\xff"}}, "Instance.Metadata"},
		"service not UTF-8":      {Instance{Service: "a\xffb"}, "Instance.Service: \"a\\xffb\" is not UTF-8"},
		"addr word":              {Instance{Service: "s", Addr: "localhost"}, "Instance.Addr"},
	} {
		if _, err := New(good, test.inst); err == nil || !strings.HasPrefix(err.Error(), "nacos: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: New() = %v, want an error about %s", name, err, test.want)
		}
	}
	if _, err := New(Config{}, Instance{Service: "s"}); err == nil || !strings.Contains(err.Error(), "Config.Servers") {
		t.Errorf("New() without a server = %v, want an error about Config.Servers", err)
	}
}

func TestNewTouchesNothing(t *testing.T) {
	t.Parallel()
	metadata := map[string]string{"k": "v"}
	r, err := New(Config{Servers: []string{"127.0.0.1:1"}}, Instance{Service: "s", Metadata: metadata})
	if err != nil {
		t.Fatalf("New() = %v, want nil", err)
	}
	metadata["k"] = "changed"
	if r.inst.Metadata["k"] != "v" || r.inst.Weight != 1 || r.inst.Group != "DEFAULT_GROUP" || r.inst.Cluster != "DEFAULT" {
		t.Errorf("instance %+v, want the defaults and a copy of the metadata", r.inst)
	}
	if s := r.String(); s != "nacos DEFAULT_GROUP@@s" {
		t.Errorf("String() = %q", s)
	}
	if d := r.Settle(); d != DefaultSettle {
		t.Errorf("Settle() = %v, want %v", d, DefaultSettle)
	}
	if err := r.Deregister(t.Context()); err != nil {
		t.Errorf("Deregister() before Register = %v, want nil", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
}

type fakeAddr struct{ network, addr string }

func (a fakeAddr) Network() string { return a.network }
func (a fakeAddr) String() string  { return a.addr }

func TestPublishedAt(t *testing.T) {
	t.Parallel()
	anywhere := &net.TCPAddr{IP: net.IPv6unspecified, Port: 9090}
	heard := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}
	way := func() (netip.Addr, error) { return netip.MustParseAddr("192.168.0.9"), nil }
	none := func() (netip.Addr, error) { return netip.Addr{}, errors.New("no way out") }
	for _, test := range []struct {
		addr     string
		listener net.Addr
		outbound func() (netip.Addr, error)
		want     string // "" is an error
	}{
		{"", heard, none, "10.0.0.7:9090"},
		{"", anywhere, way, "192.168.0.9:9090"},
		{"", anywhere, none, ""},
		{"", &net.TCPAddr{Port: 9090}, way, "192.168.0.9:9090"},
		{"", &net.TCPAddr{IP: net.ParseIP("::ffff:10.0.0.7"), Port: 1}, none, "10.0.0.7:1"},
		{"", &net.TCPAddr{IP: net.ParseIP("fd00::7"), Port: 1}, none, "[fd00::7]:1"},
		{"10.1.1.1", anywhere, none, "10.1.1.1:9090"},
		{":8443", heard, none, "10.0.0.7:8443"},
		{":8443", anywhere, way, "192.168.0.9:8443"},
		{":8443", anywhere, none, ""},
		{"10.1.1.1:8443", nil, none, "10.1.1.1:8443"},
		{"fd00::1", heard, none, "[fd00::1]:9090"},
		{"::1", heard, none, "[::1]:9090"},
		{"[fd00::1]:8443", heard, none, "[fd00::1]:8443"},
		{"", nil, way, ""},
		{"", (*net.TCPAddr)(nil), way, ""},
		{"", &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7)}, way, ""},
		{"", &net.UnixAddr{Name: "/run/x", Net: "unix"}, way, ""},
		{"", fakeAddr{"tcp", "10.0.0.7:9090"}, none, "10.0.0.7:9090"},
		{"", fakeAddr{"tcp", "bufconn"}, none, ""},
		{"10.1.1.1", fakeAddr{"bufconn", "bufconn"}, none, ""},
	} {
		got, err := publishedAt(test.addr, test.listener, test.outbound)
		if test.want == "" {
			if err == nil {
				t.Errorf("publishedAt(%q, %v) = %v, want an error", test.addr, test.listener, got)
			}
			continue
		}
		if err != nil || got.String() != test.want {
			t.Errorf("publishedAt(%q, %v) = %v, %v, want %s", test.addr, test.listener, got, err, test.want)
		}
	}
}

func TestOutboundIP(t *testing.T) {
	t.Parallel()
	if ip, err := outboundIP([]string{"127.0.0.1:8848"}); err != nil || ip.String() != "127.0.0.1" {
		t.Errorf("outboundIP(loopback) = %v, %v, want 127.0.0.1", ip, err)
	}
	if ip, err := outboundIP([]string{"no port"}); err == nil {
		t.Errorf("outboundIP(nonsense) = %v, want an error", ip)
	}
}

func FuzzParsePublished(f *testing.F) {
	for _, s := range []string{"", "10.0.0.1", ":1", "10.0.0.1:1", "::1", "[::1]:1", "[::1]", "a:b:c", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := parsePublished(s)
		if err == nil && s != "" && !got.Addr().IsValid() && got.Port() == 0 {
			t.Errorf("parsePublished(%q) = nothing, want an IP, a port or an error", s)
		}
	})
}
