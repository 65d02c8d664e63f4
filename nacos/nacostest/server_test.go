// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const (
	here  = "10.0.0.1:9090"
	there = "10.0.0.2:9090"
)

func TestRegisterPushDeregister(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t)
	us, peer := dial(t, s.Addr()), dial(t, s.Addr())
	ours, theirs := us.subscribe("orders"), peer.subscribe("orders")
	ours.wait()

	began := time.Now()
	us.register("orders", here)
	got := ours.wait(here)
	theirs.wait(here)
	if d := got.at.Sub(began); d < nacostest.DefaultPushDelay {
		t.Errorf("own callback after %v, want at least %v", d, nacostest.DefaultPushDelay)
	}

	us.deregister("orders", here)
	ours.wait()
	theirs.wait()
}

func TestOperatorsSwitch(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	s.SetEnabled("orders", here, false)
	ours.wait()
	all := s.Instances("orders")
	if len(all) != 1 || all[0].Enabled || all[0].Listed {
		t.Errorf("Instances() = %+v, want one that is neither enabled nor listed", all)
	}
	us.register("orders", here) // the client cannot undo it
	if got := openList(t, s, "orders"); len(got) != 0 {
		t.Errorf("open list = %v, want none", got)
	}

	s.SetEnabled("orders", here, true)
	ours.wait(here)
	if got := openList(t, s, "orders"); len(got) != 1 || got[0] != "10.0.0.1" {
		t.Errorf("open list = %v, want 10.0.0.1", got)
	}
}

func TestConnectionEndRemoves(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us, peer := dial(t, s.Addr()), dial(t, s.Addr())
	theirs := peer.subscribe("orders")
	us.register("orders", here)
	theirs.wait(here)
	us.CloseClient()
	theirs.wait()
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if err := s.Revive(); err == nil {
		t.Error("Revive() of a closed server = nil, want an error")
	}
}

// openList reads the v1 list as anybody may.
func openList(t *testing.T, s *nacostest.Server, service string) []string {
	t.Helper()
	query := url.Values{"serviceName": {service}, "groupName": {"DEFAULT_GROUP"}, "namespaceId": {"public"}}
	resp, err := http.Get("http://" + s.Addr() + "/nacos/v1/ns/instance/list?" + query.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Name  string
		Hosts []struct{ IP string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if want := "DEFAULT_GROUP@@" + service; answer.Name != want {
		t.Errorf("open list: name = %q, want %q", answer.Name, want)
	}
	var ips []string
	for _, h := range answer.Hosts {
		ips = append(ips, h.IP)
	}
	return ips
}
