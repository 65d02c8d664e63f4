// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A kind of server. Where servers differ in what the contract is about, the difference has a name here; all of it was
// measured on 2.5.1, 3.0.3 and r-nacos 0.8.5.
type kind struct {
	name string
	// flagOutlives: an operator's offline outlives the instance by a minute, and a restart of the server for good.
	flagOutlives bool
	// newMetadata: a later registration may change the metadata. Else the first one's stays.
	newMetadata bool
	// listLag is by how much the open list may be behind the pushed one. It is the same snapshot on the official
	// servers; that it is renewed before the push is not documented.
	listLag time.Duration
	// noDetail: nobody tells whether an instance that is not listed was switched off or has gone.
	noDetail bool
	// editMakes: an edit of an instance that has gone lists it, under nobody's connection, so that nobody can withdraw it.
	editMakes bool
	// operator is the path of the request that the console's switch sends. It is open unless authentication is on; on
	// 3.x its authentication is on by default.
	operator string
	// login is where an administrator logs in.
	login string
	// list is the open list. Since 3.2 the older ones are gone.
	list string
}

const (
	listV1 = "/nacos/v1/ns/instance/list"
	listV3 = "/nacos/v3/client/ns/instance/list"
)

var (
	imitation = kind{
		name: "nacostest", flagOutlives: true, newMetadata: true, list: listV1,
		operator: "/nacos/v1/ns/instance", login: "/nacos/v1/auth/users/login",
	}
	nacos2 = kind{
		name: "Nacos 2.x", flagOutlives: true, newMetadata: true, listLag: time.Second, list: listV1,
		operator: "/nacos/v1/ns/instance", login: "/nacos/v1/auth/users/login",
	}
	nacos3 = kind{
		name: "Nacos 3.x", noDetail: true, flagOutlives: true, newMetadata: true, listLag: time.Second, list: listV3,
		operator: "/nacos/v3/admin/ns/instance", login: "/nacos/v3/auth/user/login",
	}
	rnacos = kind{name: "r-nacos", editMakes: true, operator: "/nacos/v1/ns/instance", list: listV1, login: "/nacos/v1/auth/users/login"}
)

// A backend is a server to run the contract on.
type backend struct {
	kind
	addr               string
	username, password string                                   // of an administrator; empty: nobody logs in
	setEnabled         func(service, addr string, enabled bool) // as an operator
}

// openBackend finds out what listens on addr: 3.x has the list of the v3 API, 2.x that of the v2 API, r-nacos neither.
func openBackend(t *testing.T, addr string) backend {
	t.Helper()
	b := backend{addr: addr, username: os.Getenv(username), password: os.Getenv(password)}
	service := url.Values{"serviceName": {"contract"}, "groupName": {"DEFAULT_GROUP"}, "namespaceId": {"public"}}
	v3, body3 := request(t, http.MethodGet, addr, listV3, service)
	v2, body2 := request(t, http.MethodGet, addr, "/nacos/v2/ns/instance/list", service)
	exists := func(status int) bool { return status == http.StatusOK || status == http.StatusForbidden }
	switch {
	case exists(v3):
		b.kind = nacos3
	case exists(v2):
		b.kind = nacos2
	case v2 == http.StatusNotFound && v3 == http.StatusNotFound:
		b.kind = rnacos
	default:
		t.Fatalf("the server at %s is none of the known kinds: it answers the v3 list with %d %s, the v2 list with %d %s", addr, v3, body3, v2, body2)
	}
	t.Logf("the server at %s is %s", addr, b.kind.name)
	b.setEnabled = func(service, instance string, enabled bool) { b.switchOverHTTP(t, service, instance, enabled) }
	return b
}

func (b backend) switchOverHTTP(t testing.TB, service, instance string, enabled bool) {
	ip, port, err := net.SplitHostPort(instance)
	if err != nil {
		t.Errorf("instance %s: %v", instance, err)
		return
	}
	status, body := request(t, http.MethodPut, b.addr, b.operator, b.signed(t, url.Values{
		"namespaceId": {"public"}, "groupName": {"DEFAULT_GROUP"}, "serviceName": {service}, "clusterName": {"DEFAULT"},
		"ip": {ip}, "port": {port}, "ephemeral": {"true"}, "weight": {"1"}, "enabled": {strconv.FormatBool(enabled)},
	}))
	if status != http.StatusOK {
		t.Errorf("PUT %s of %s = %d %s, want 200: the operator's switch needs an open API, or %s and %s of an administrator",
			b.operator, b.kind.name, status, body, username, password)
	}
}

// signed adds the token of a login, if there is one.
func (b backend) signed(t testing.TB, params url.Values) url.Values {
	t.Helper()
	if b.username == "" {
		return params
	}
	status, body := request(t, http.MethodPost, b.addr, b.login, url.Values{"username": {b.username}, "password": {b.password}})
	var answer struct {
		AccessToken string `json:"accessToken"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.AccessToken == "" {
		t.Errorf("login of %s at %s = %d %s, want a token", b.username, b.login, status, body)
	}
	params.Set("accessToken", answer.AccessToken)
	return params
}

func request(t testing.TB, method, addr, path string, params url.Values) (status int, body string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+addr+path+"?"+params.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	answer, err := client.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return 0, ""
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return answer.StatusCode, strings.TrimSpace(string(text))
}

// A listEntry is one instance of the open list.
type listEntry struct {
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	Weight      float64           `json:"weight"`
	Healthy     bool              `json:"healthy"`
	Enabled     bool              `json:"enabled"`
	ClusterName string            `json:"clusterName"`
	Metadata    map[string]string `json:"metadata"`
}

func (e listEntry) addr() string { return net.JoinHostPort(e.IP, strconv.Itoa(e.Port)) }

// cluster is DEFAULT where the server leaves it out.
func (e listEntry) cluster() string {
	if e.ClusterName == "" {
		return "DEFAULT"
	}
	return e.ClusterName
}

// list reads the open list, past every SDK.
func (s *contractService) list() []listEntry {
	s.t.Helper()
	status, body := request(s.t, http.MethodGet, s.backend.addr, s.backend.kind.list,
		s.backend.signed(s.t, url.Values{"serviceName": {s.name}, "groupName": {s.group}, "namespaceId": {"public"}}))
	if status != http.StatusOK {
		s.t.Errorf("the open list answers %d %s, want 200", status, body)
		return nil
	}
	var answer struct {
		Hosts []listEntry `json:"hosts"`
		Data  []listEntry `json:"data"` // v3
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		s.t.Errorf("the open list answers %s: %v", body, err)
	}
	return append(answer.Hosts, answer.Data...)
}

// entry is nil when the open list does not have addr.
func (s *contractService) entry(addr string) *listEntry {
	s.t.Helper()
	for _, e := range s.list() {
		if e.addr() == addr {
			return &e
		}
	}
	return nil
}

// until looks at once, and goes on looking for d.
func (s *contractService) until(what string, d time.Duration, ok func() bool) {
	s.t.Helper()
	for limit := time.Now().Add(d); !ok(); time.Sleep(20 * time.Millisecond) {
		if !time.Now().Before(limit) {
			s.t.Fatalf("the open list has %s after %v, want %s", fmt.Sprintf("%+v", s.list()), d, what)
		}
	}
}

func (s *contractService) wantAbsent(addr string, within time.Duration) {
	s.t.Helper()
	s.until("no "+addr, within, func() bool { return s.entry(addr) == nil })
}

func (s *contractService) wantListed(addr string, within time.Duration) {
	s.t.Helper()
	s.until(addr, within, func() bool { return s.entry(addr) != nil })
}
