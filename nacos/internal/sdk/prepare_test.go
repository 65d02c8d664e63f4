// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// closedPort is an address on which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestPrepareNamesTheField(t *testing.T) {
	t.Parallel()
	noPEM := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	one := []string{"127.0.0.1:8848"}
	for name, test := range map[string]struct {
		cfg  Config
		want []string
	}{
		"no server":              {Config{}, []string{"Servers", "empty"}},
		"empty server":           {Config{Servers: []string{""}}, []string{"Servers[0]", "empty"}},
		"port missing":           {Config{Servers: []string{"127.0.0.1:1", "127.0.0.1"}}, []string{"Servers[1]", "port missing"}},
		"port empty":             {Config{Servers: []string{"nacos:"}}, []string{"Servers[0]", "port missing"}},
		"port not a number":      {Config{Servers: []string{"nacos:http"}}, []string{"Servers[0]", `"http"`}},
		"port zero":              {Config{Servers: []string{"nacos:0"}}, []string{"Servers[0]", `"0"`}},
		"port without gRPC port": {Config{Servers: []string{"nacos:65000"}}, []string{"Servers[0]", "65000"}},
		"IPv6 without brackets":  {Config{Servers: []string{"::1"}}, []string{"Servers[0]", "brackets"}},
		"IPv6 and port":          {Config{Servers: []string{"fe80::1:8848"}}, []string{"Servers[0]", "brackets"}},
		"IPv6 without port":      {Config{Servers: []string{"[::1]"}}, []string{"Servers[0]", "port missing"}},
		"host missing":           {Config{Servers: []string{":8848"}}, []string{"Servers[0]", "host missing"}},
		"scheme":                 {Config{Servers: []string{"http://nacos:8848"}}, []string{"Servers[0]", "scheme"}},
		"space":                  {Config{Servers: []string{"na cos:8848"}}, []string{"Servers[0]", "host name"}},
		"several":                {Config{Servers: []string{"10.0.0.1:8848,10.0.0.2:8848"}}, []string{"Servers[0]", "more than one"}},
		"list of hosts":          {Config{Servers: []string{"a,b:8848"}}, []string{"Servers[0]", "more than one"}},
		"semicolon":              {Config{Servers: []string{"host;rm:8848"}}, []string{"Servers[0]", "more than one"}},
		"no letter":              {Config{Servers: []string{"-:8848"}}, []string{"Servers[0]", "host name"}},
		"placeholder":            {Config{Servers: []string{"${NACOS_ADDR:127.0.0.1:8848}"}}, []string{"Servers[0]", "host:port"}},
		"IPv6 zone":              {Config{Servers: []string{"[fe80::1%eth0]:8848"}}, []string{"Servers[0]", "zone"}},
		"IPv6, a guess":          {Config{Servers: []string{"::1:8848"}}, []string{"Servers[0]", "[::1]:8848"}},
		"namespace":              {Config{Servers: one, Namespace: "a b"}, []string{"Namespace"}},
		"password alone":         {Config{Servers: one, Password: "x"}, []string{"Username"}},
		"username alone":         {Config{Servers: one, Username: "x"}, []string{"Password"}},
		"timeout":                {Config{Servers: one, Timeout: -time.Second}, []string{"Timeout"}},
		"timeout too short":      {Config{Servers: one, Timeout: time.Microsecond}, []string{"Timeout"}},
		"CA file missing":        {Config{Servers: one, TLS: &TLS{CAFile: "/nowhere/ca.pem"}}, []string{"TLS.CAFile", "/nowhere/ca.pem"}},
		"CA file without PEM":    {Config{Servers: one, TLS: &TLS{CAFile: noPEM}}, []string{"TLS.CAFile", noPEM}},
		"key missing":            {Config{Servers: one, TLS: &TLS{CertFile: noPEM}}, []string{"TLS.KeyFile"}},
		"certificate missing":    {Config{Servers: one, TLS: &TLS{KeyFile: noPEM}}, []string{"TLS.CertFile"}},
		"key unreadable":         {Config{Servers: one, TLS: &TLS{CertFile: noPEM, KeyFile: "/nowhere/key"}}, []string{"TLS.KeyFile"}},
		"certificate broken":     {Config{Servers: one, TLS: &TLS{CertFile: noPEM, KeyFile: noPEM}}, []string{"TLS.CertFile"}},
		"Customize: TLS file": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) {
			p.ClientConfig.TLSCfg = constant.TLSConfig{Enable: true, CertFile: "/nowhere/c", KeyFile: "/nowhere/k"}
		}}, []string{"TLS.KeyFile"}},
		"Customize: nil":       {Config{Servers: one, Customize: func(p *vo.NacosClientParam) { p.ClientConfig = nil }}, []string{"Customize"}},
		"Customize: bare IPv6": {Config{Customize: func(p *vo.NacosClientParam) { p.ServerConfigs = []constant.ServerConfig{{IpAddr: "::1"}} }}, []string{"Servers[0]", "brackets"}},
		"Customize: no server": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) { p.ServerConfigs = nil }}, []string{"Servers", "empty"}},
		"Customize: port": {Config{Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs = []constant.ServerConfig{{IpAddr: "nacos", Port: 70000}}
		}}, []string{"Servers[0]", "70000"}},
		"Customize: scheme": {Config{Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs = []constant.ServerConfig{{IpAddr: "nacos", Scheme: "ftp"}}
		}}, []string{"Servers[0]", "ftp"}},
		"Customize: list of hosts": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs[0].IpAddr = "10.0.0.1,10.0.0.2"
		}}, []string{"Servers[0]", "host name"}},
		"Customize: half a bracket": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs[0].IpAddr = "[::1"
		}}, []string{"Servers[0]"}},
		"Customize: namespace": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) {
			p.ClientConfig.NamespaceId = "my dev"
		}}, []string{"Customize", "NamespaceId", "my dev"}},
		"Customize: endpoint with scheme": {Config{Customize: func(p *vo.NacosClientParam) {
			p.ClientConfig.Endpoint = "http://acm.internal:8080/"
		}}, []string{"Customize", "Endpoint", "scheme"}},
		"Customize: endpoint without port": {Config{Customize: func(p *vo.NacosClientParam) {
			p.ClientConfig.Endpoint = "acm.internal"
		}}, []string{"Customize", "Endpoint", "port missing"}},
		"Customize: username alone": {Config{Servers: one, Customize: func(p *vo.NacosClientParam) {
			p.ClientConfig.Username = "x"
		}}, []string{"Password"}},
		"Customize: URL as host": {Config{Customize: func(p *vo.NacosClientParam) { p.ServerConfigs = []constant.ServerConfig{{IpAddr: "http://nacos"}} }}, []string{"Servers[0]", "host name"}},
	} {
		_, err := Prepare(test.cfg)
		if err == nil || !strings.HasPrefix(err.Error(), "nacos: ") {
			t.Errorf("%s: Prepare() = %v, want an error that starts with nacos:", name, err)
			continue
		}
		for _, part := range test.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: Prepare() = %q, want it to name %q", name, err, part)
			}
		}
	}
}

func TestPrepareAccepts(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{
		"host name":      {Servers: []string{"nacos.internal:8848"}},
		"IPv6":           {Servers: []string{"[::1]:8848", "10.0.0.1:80"}},
		"TLS alone":      {Servers: []string{"nacos:8848"}, TLS: &TLS{}},
		"address server": {Customize: func(p *vo.NacosClientParam) { p.ClientConfig.Endpoint = "acm.internal:8080" }},
		"gRPC port": {Servers: []string{"nacos:65000"}, Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs[0].GrpcPort = 443
		}},
	} {
		if _, err := Prepare(cfg); err != nil {
			t.Errorf("%s: Prepare() = %v, want nil", name, err)
		}
	}
}

func TestOurSettingsWin(t *testing.T) {
	t.Parallel()
	s, err := Prepare(Config{Servers: []string{"[::1]:8848"}, TLS: &TLS{}, Customize: func(p *vo.NacosClientParam) {
		p.ClientConfig.TLSCfg.Appointed = false
		p.ClientConfig.ContextPath = "registry/"
		p.ClientConfig.AppName = "shop"
		p.ServerConfigs[0].GrpcPort = 443
	}})
	if err != nil {
		t.Fatalf("Prepare() = %v, want nil", err)
	}
	p := s.parameters()
	c, server := p.ClientConfig, p.ServerConfigs[0]
	if !c.TLSCfg.Appointed {
		t.Errorf("client settings %+v, want ours", c)
	}
	if c.AppName != "shop" || c.TimeoutMs != 3000 || c.NamespaceId != "public" {
		t.Errorf("AppName %q, TimeoutMs %d, NamespaceId %q, want shop, 3000, public", c.AppName, c.TimeoutMs, c.NamespaceId)
	}
	if server.IpAddr != "[::1]" || server.Port != 8848 || server.GrpcPort != 443 || server.Scheme != "https" || server.ContextPath != "/registry" {
		t.Errorf("server %+v, want https://[::1]:8848/registry with gRPC on 443", server)
	}
	p.ServerConfigs[0].IpAddr = "other"
	if s.parameters().ServerConfigs[0].IpAddr != "[::1]" {
		t.Error("the SDK's copy of the servers is not a copy")
	}
}
