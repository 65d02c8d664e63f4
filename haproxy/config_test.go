// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"strings"
	"testing"
	"time"
)

func TestNewNamesTheField(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Config)
		want   string // in the error; empty: none
	}{
		"nothing wrong":         {func(*Config) {}, ""},
		"found by its address":  {byAddress, ""},
		"all that names may be": {func(c *Config) { c.Server = "Az09_.:-" }, ""},
		"no backend":            {func(c *Config) { c.Backend = "" }, "Backend"},
		"another command":       {func(c *Config) { c.Backend = "grpc; shutdown frontend f" }, "Backend"},
		"a semicolon":           {func(c *Config) { c.Server = "s1;s2" }, "Server"},
		"another line":          {func(c *Config) { c.Server = "s1\nshow info" }, "Server"},
		"another server":        {func(c *Config) { c.Server = "s1/s2" }, "Server"},
		"an id":                 {func(c *Config) { c.Server = "#1" }, "Server"},
		"a letter that is none": {func(c *Config) { c.Server = "sé" }, "Server"},
		"no address":            {func(c *Config) { c.Addresses = nil }, "Addresses"},
		"an address twice":      {func(c *Config) { c.Addresses = []string{"unix:/a", "unix:/a"} }, "Addresses[1]"},
		"TCP":                   {func(c *Config) { c.Addresses = []string{"tcp:10.0.0.1:9999"} }, ""},
		"TCP, IPv6":             {func(c *Config) { c.Addresses = []string{"tcp:[::1]:9999"} }, ""},
		"TCP without a host":    {func(c *Config) { c.Addresses = []string{"tcp::9999"} }, "Addresses[0]"},
		"TCP without a port":    {func(c *Config) { c.Addresses = []string{"tcp:10.0.0.1"} }, "Addresses[0]"},
		"a port that is none":   {func(c *Config) { c.Addresses = []string{"tcp:10.0.0.1:99999"} }, "Addresses[0]"},
		"no path":               {func(c *Config) { c.Addresses = []string{"unix:"} }, "Addresses[0]"},
		"no kind":               {func(c *Config) { c.Addresses = []string{"/run/haproxy.sock"} }, "Addresses[0]"},
		"a short timeout":       {func(c *Config) { c.Timeout = time.Microsecond }, "Timeout"},
		"a negative timeout":    {func(c *Config) { c.Timeout = -time.Second }, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Backend: "grpc", Server: "s1", Addresses: []string{"unix:/run/haproxy.sock"}}
			test.change(&cfg)
			r, err := New(cfg)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("New(%+v) = %v, want no error", cfg, err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), "Config."+test.want)):
				t.Errorf("New(%+v) = %v, want an error that names %s", cfg, err, test.want)
			case test.want == "":
				_ = r.Close()
			}
		})
	}
}
