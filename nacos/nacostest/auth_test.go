// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func guarded() nacostest.Options {
	o := quick
	o.Auth = &nacostest.Auth{Username: "shop", Password: "secret"}
	return o
}

func as(user, password string) func(*vo.NacosClientParam) {
	return func(p *vo.NacosClientParam) { p.ClientConfig.Username, p.ClientConfig.Password = user, password }
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, guarded())
	us := dialWith(t, as("shop", "secret"), s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	s.ExpireTokens()
	if ok, err := us.RegisterInstance(registration("orders", here)); ok || err != nil {
		t.Errorf("RegisterInstance() with an expired token = %v, %v, want false, nil", ok, err)
	}
}

// Without a login the SDK is told nothing but no.
func TestWrongLogin(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, guarded())
	for _, us := range []*sdk{dial(t, s.Addr()), dialWith(t, as("shop", "wrong"), s.Addr())} {
		if ok, err := us.RegisterInstance(registration("orders", here)); ok || err != nil {
			t.Errorf("RegisterInstance() = %v, %v, want false, nil", ok, err)
		}
	}
	if n := len(s.Instances("orders")); n != 0 {
		t.Errorf("Instances() has %d, want none", n)
	}
}

// The SDK renews a token by itself; it looks every 5 s.
func TestTokenRenewal(t *testing.T) {
	t.Parallel()
	o := guarded()
	o.Auth.TokenTTL = 2 * time.Second
	s := nacostest.Start(t, o)
	us := dialWith(t, as("shop", "secret"), s.Addr())
	us.register("orders", here)
	eventually(t, "the token to expire", func() bool {
		ok, _ := us.RegisterInstance(registration("orders", here))
		return !ok
	})
	eventually(t, "the token to be renewed", func() bool {
		ok, _ := us.RegisterInstance(registration("orders", here))
		return ok
	})
	if n := s.Requests(nacostest.Login); n < 2 {
		t.Errorf("Requests(Login) = %d, want at least 2", n)
	}
}

func TestOpenListWithAuth(t *testing.T) {
	t.Parallel()
	status := func(s *nacostest.Server, token string) int {
		resp, err := http.Get("http://" + s.Addr() + "/nacos/v1/ns/instance/list?serviceName=orders&accessToken=" + token)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	closed := nacostest.Start(t, guarded())
	if got := status(closed, ""); got != http.StatusForbidden {
		t.Errorf("GET list without a token = %d, want 403", got)
	}
	if got := status(closed, login(t, closed)); got != http.StatusOK {
		t.Errorf("GET list with a token = %d, want 200", got)
	}
	o := guarded()
	o.Auth.OpenList = true
	if got := status(nacostest.Start(t, o), ""); got != http.StatusOK {
		t.Errorf("GET list, left open = %d, want 200", got)
	}
}

func login(t *testing.T, s *nacostest.Server) string {
	t.Helper()
	resp, err := http.PostForm("http://"+s.Addr()+"/nacos/v1/auth/users/login",
		url.Values{"username": {"shop"}, "password": {"secret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string
		TokenTTL    int
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if want := int(nacostest.DefaultTokenTTL / time.Second); answer.TokenTTL != want {
		t.Errorf("login: tokenTtl = %d, want %d", answer.TokenTTL, want)
	}
	return answer.AccessToken
}
