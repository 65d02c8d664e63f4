// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"net/url"
	"strings"
	"testing"

	"google.golang.org/grpc/resolver"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func target(t *testing.T, s string) resolver.Target {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return resolver.Target{URL: *u}
}

func TestBuildNamesThePart(t *testing.T) {
	t.Parallel()
	good := nacosresolver.Config{Servers: []string{"127.0.0.1:8848"}}
	for to, want := range map[string]string{
		"nacos:///":                        "service",
		"nacos:///a@@b":                    "service",
		"nacos://10.0.0.1:8848/orders":     `authority "10.0.0.1:8848"`,
		"nacos:///orders?group=":           "parameter group",
		"nacos:///orders?group=a@@b":       "parameter group",
		"nacos:///orders?group=a&group=b":  "parameter group: given more than once",
		"nacos:///orders?grp=a":            "parameter grp: unknown",
		"nacos:///orders?namespace=a%20b":  "parameter namespace",
		"nacos:///orders?cluster=a,,b":     "parameter cluster",
		"nacos:///orders?group=a;cluster=": "parameters",
		"nacos:///orders#x":                "fragment",
	} {
		r, err := nacosresolver.NewBuilder(good).Build(target(t, to), newChannel(), resolver.BuildOptions{})
		if err == nil {
			r.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "nacosresolver: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("Build(%q) = %v, want an error about %s", to, err, want)
		}
	}
	_, err := nacosresolver.NewBuilder(nacosresolver.Config{}).Build(target(t, "nacos:///orders"), newChannel(), resolver.BuildOptions{})
	if err == nil || !strings.Contains(err.Error(), "Config.Servers") {
		t.Errorf("Build() without a server = %v, want an error about Config.Servers", err)
	}
}

func TestNamespaces(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	publish(t, registry, "staging@@DEFAULT_GROUP@@orders", "10.0.0.1:1")
	publish(t, registry, "test@@DEFAULT_GROUP@@orders", "10.0.0.2:2")
	cfg := nacosresolver.Config{Servers: []string{registry.Addr()}, Namespace: "staging"}
	follow(t, cfg, "nacos:///orders").want(t, "10.0.0.1:1/100")
	follow(t, cfg, "nacos:///orders?namespace=test").want(t, "10.0.0.2:2/100")
}
