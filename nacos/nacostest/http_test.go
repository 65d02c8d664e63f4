// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func get(t *testing.T, s *nacostest.Server, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + s.Addr() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// The fields of the list as 2.5.1, 3.0.3 and r-nacos have them.
func TestOpenListShape(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	_, err := s.Publish("staging@@payments@@orders", here, func(i *nacostest.Instance) {
		i.Weight, i.Cluster, i.Metadata = 2.5, "east", map[string]string{"zone": "a"}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{
		"namespaceId=staging&groupName=payments&serviceName=orders",
		"namespaceId=staging&serviceName=payments@@orders",
		"namespaceId=staging&serviceName=payments@@orders&clusters=east,west",
	} {
		status, body := get(t, s, "/nacos/v1/ns/instance/list?"+query)
		var got map[string]any
		if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK {
			t.Fatalf("GET list?%s = %d %s", query, status, body)
		}
		if got["name"] != "payments@@orders" || got["groupName"] != "payments" || got["cacheMillis"] != 10000.0 || got["lastRefTime"] == 0.0 {
			t.Errorf("GET list?%s = %s, want name, groupName, cacheMillis and lastRefTime", query, body)
		}
		hosts, _ := got["hosts"].([]any)
		if len(hosts) != 1 {
			t.Fatalf("GET list?%s = %s, want one host", query, body)
		}
		host := hosts[0].(map[string]any)
		for field, want := range map[string]any{
			"instanceId": "10.0.0.1#9090#east#payments@@orders", "ip": "10.0.0.1", "port": 9090.0, "weight": 2.5, "healthy": true,
			"enabled": true, "ephemeral": true, "clusterName": "east", "serviceName": "payments@@orders",
		} {
			if host[field] != want {
				t.Errorf("GET list?%s: host[%q] = %v, want %v", query, field, host[field], want)
			}
		}
	}
}

// Whoever is not there is an empty list, not an error.
func TestOpenListOfNothing(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	for _, query := range []string{"serviceName=nobody", "serviceName=nobody&namespaceId=elsewhere"} {
		if status, body := get(t, s, "/nacos/v1/ns/instance/list?"+query); status != http.StatusOK || !strings.Contains(body, `"hosts":[]`) {
			t.Errorf("GET list?%s = %d %s, want 200 and no hosts", query, status, body)
		}
	}
	if status, _ := get(t, s, "/nacos/v1/ns/instance/list"); status != http.StatusBadRequest {
		t.Errorf("GET list without a service = %d, want 400", status)
	}
}

func TestOpenListFilters(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	for addr, change := range map[string]func(*nacostest.Instance){
		"10.0.0.1:1": func(i *nacostest.Instance) { i.Enabled = false },
		"10.0.0.2:1": func(i *nacostest.Instance) { i.Healthy = false },
		"10.0.0.3:1": func(i *nacostest.Instance) { i.Weight = 0 },
	} {
		if _, err := s.Publish("orders", addr, change); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		query string
		hosts int
	}{{"", 2}, {"&healthyOnly=true", 1}, {"&clusters=DEFAULT", 2}, {"&clusters=other", 0}} {
		eventually(t, "the list to hold "+tt.query, func() bool {
			_, body := get(t, s, "/nacos/v1/ns/instance/list?serviceName=orders"+tt.query)
			return strings.Count(body, `"ip":`) == tt.hosts
		})
	}
	if got := s.Instances("orders"); len(got) != 3 {
		t.Errorf("Instances() = %+v, want all three", got)
	}
}

// The console's switch over HTTP, as a test uses it that runs on real servers too.
func TestConsoleRequests(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	instance := url.Values{
		"serviceName": {"orders"}, "groupName": {"DEFAULT_GROUP"}, "namespaceId": {"public"}, "ip": {"10.0.0.1"}, "port": {"9090"},
		"clusterName": {"DEFAULT"}, "ephemeral": {"true"}, "weight": {"10"}, "enabled": {"false"},
	}
	do := func(method string, form url.Values) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr()+"/nacos/v1/ns/instance?"+form.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := do(http.MethodPut, instance); got != http.StatusOK {
		t.Fatalf("PUT instance = %d, want 200", got)
	}
	ours.wait()
	instance.Set("enabled", "true")
	do(http.MethodPut, instance)
	ours.wait(here)

	// Answered, and without effect on what a connection publishes.
	if got := do(http.MethodDelete, instance); got != http.StatusOK {
		t.Errorf("DELETE instance = %d, want 200", got)
	}
	if n := len(s.Instances("orders")); n != 1 {
		t.Errorf("Instances() after DELETE has %d, want 1", n)
	}
	for field, bad := range map[string]string{"port": "x", "weight": "x", "metadata": "{", "serviceName": ""} {
		form := url.Values{}
		maps.Copy(form, instance)
		form.Set(field, bad)
		if got := do(http.MethodPut, form); got != http.StatusBadRequest {
			t.Errorf("PUT instance with %s=%q = %d, want 400", field, bad, got)
		}
	}
}

func TestNamespacesAndGroups(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dialWith(t, func(p *vo.NacosClientParam) { p.ClientConfig.NamespaceId = "staging" }, s.Addr())
	ours := us.subscribe("payments@@orders")
	r := registration("orders", here)
	r.GroupName = "payments"
	if ok, err := us.RegisterInstance(r); !ok || err != nil {
		t.Fatalf("RegisterInstance() = %v, %v, want true, nil", ok, err)
	}
	ours.wait(here)
	for service, want := range map[string]int{"staging@@payments@@orders": 1, "payments@@orders": 0, "orders": 0} {
		if got := len(s.Instances(service)); got != want {
			t.Errorf("Instances(%q) has %d, want %d", service, got, want)
		}
	}
	names, err := us.GetAllServicesInfo(vo.GetAllServiceInfoParam{GroupName: "payments", PageNo: 1, PageSize: 10})
	if err != nil || names.Count != 1 || len(names.Doms) != 1 || names.Doms[0] != "orders" {
		t.Errorf("GetAllServicesInfo() = %+v, %v, want orders", names, err)
	}
	s.SetEnabled("staging@@payments@@orders", here, false)
	ours.wait()
}
