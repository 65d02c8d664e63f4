// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// A caller is who asks: what net/http shows of the connection, and what the request says.
type caller struct {
	remote string
	local  net.Addr // nil: not known
	host   string
	header string // a name
}

func tcp(addr string) net.Addr {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		panic(err)
	}
	return a
}

var ok4 = caller{"127.0.0.1:40000", tcp("127.0.0.1:9090"), "localhost:9090", ""}

func (c caller) from(remote string) caller   { c.remote = remote; return c }
func (c caller) to(local net.Addr) caller    { c.local = local; return c }
func (c caller) named(host string) caller    { c.host = host; return c }
func (c caller) with(header string) caller   { c.header = header; return c }
func (c caller) request(r *http.Request)     { r.RemoteAddr, r.Host = c.remote, c.host; c.rest(r) }
func socket(name string) *net.UnixAddr       { return &net.UnixAddr{Name: name, Net: "unix"} }
func (c caller) overUnix(peer string) caller { return c.from(peer).to(socket("/run/admin.sock")) }

func (c caller) rest(r *http.Request) {
	*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, c.local))
	if c.header != "" {
		r.Header[c.header] = []string{""}
	}
}

func TestWhoMay(t *testing.T) {
	const yes = ""
	const remote, local, host, header = "the remote address", "the local address", "the Host", "the header"
	h := admin.Handler(lifecycle.New(nil))
	for name, c := range map[string]struct {
		caller
		refusal string
	}{
		"IPv4":                         {ok4, yes},
		"IPv6":                         {ok4.from("[::1]:40000").to(tcp("[::1]:9090")), yes},
		"IPv4 in IPv6":                 {ok4.from("[::ffff:127.0.0.1]:40000").to(tcp("[::ffff:127.0.0.1]:9090")), yes},
		"sidecar of a mesh":            {ok4.from("127.0.0.6:40000"), remote},
		"sidecar, in IPv6":             {ok4.from("[::ffff:127.0.0.6]:40000"), remote},
		"another host":                 {ok4.from("10.0.0.1:40000"), remote},
		"another host, IPv6":           {ok4.from("[2001:db8::1]:40000"), remote},
		"with a zone":                  {ok4.from("[::1%lo]:40000"), remote},
		"IPv4 in IPv6 with a zone":     {ok4.from("[::ffff:127.0.0.1%lo]:40000"), remote},
		"not specified":                {ok4.from("0.0.0.0:40000"), remote},
		"what a middleware has put in": {ok4.from("127.0.0.1"), remote},
		"nobody":                       {ok4.from(""), remote},
		"unix, to TCP":                 {ok4.from("@"), remote},
		"address of the pod":           {ok4.to(tcp("10.0.0.2:9090")), local},
		"another of 127/8":             {ok4.to(tcp("127.0.0.2:9090")), local},
		"local with a zone":            {ok4.to(tcp("[::1%1]:9090")), local},
		"local not known":              {ok4.to(nil), local},

		"localhost":                 {ok4.named("localhost"), yes},
		"LOCALHOST":                 {ok4.named("LOCALHOST:9090"), yes},
		"127.0.0.1":                 {ok4.named("127.0.0.1"), yes},
		"127.0.0.1 with a port":     {ok4.named("127.0.0.1:1"), yes},
		"[::1]":                     {ok4.named("[::1]"), yes},
		"[::1] with a port":         {ok4.named("[::1]:9090"), yes},
		"DNS rebinding":             {ok4.named("evil.example:9090"), host},
		"name that begins like it":  {ok4.named("localhost.evil.example"), host},
		"name that ends like it":    {ok4.named("evil-localhost"), host},
		"user and name":             {ok4.named("localhost:80@evil.example"), host},
		"::1 without brackets":      {ok4.named("::1"), host},
		"another literal of 127/8":  {ok4.named("127.0.0.2"), host},
		"address of the pod as one": {ok4.named("10.0.0.2:9090"), host},
		"no Host":                   {ok4.named(""), host},
		"port that is none":         {ok4.named("localhost:x"), host},

		"Forwarded":              {ok4.with("Forwarded"), header},
		"X-Forwarded-For":        {ok4.with("X-Forwarded-For"), header},
		"X-Forwarded-Anything":   {ok4.with("X-Forwarded-Anything"), header},
		"X-Envoy-Internal":       {ok4.with("X-Envoy-Internal"), header},
		"Via":                    {ok4.with("Via"), header},
		"Origin":                 {ok4.with("Origin"), header},
		"Sec-Fetch-Site":         {ok4.with("Sec-Fetch-Site"), header},
		"Sec-Fetch-Mode":         {ok4.with("Sec-Fetch-Mode"), header},
		"x-envoy-peer-metadata":  {ok4.with("x-envoy-peer-metadata"), header},
		"Authorization is none":  {ok4.with("Authorization"), yes},
		"X-Request-Id is none":   {ok4.with("X-Request-Id"), yes},
		"Originator is none":     {ok4.with("Originator"), yes},
		"Viaduct is none either": {ok4.with("Viaduct"), yes},

		"unix":                          {ok4.overUnix("@"), yes},
		"unix, no address":              {ok4.overUnix(""), yes},
		"unix, a client with a path":    {ok4.overUnix("/tmp/client.sock"), yes},
		"unix, any Host":                {ok4.overUnix("@").named("x"), yes},
		"unix, no Host":                 {ok4.overUnix("@").named(""), yes},
		"unix, a proxy":                 {ok4.overUnix("@").with("X-Forwarded-For"), header},
		"unix, a page":                  {ok4.overUnix("@").with("Origin"), header},
		"unix, with the PROXY protocol": {ok4.overUnix("10.0.0.1:40000"), remote},
		"unix, a middleware":            {ok4.overUnix("10.0.0.1"), remote},
	} {
		t.Run(name, func(t *testing.T) {
			for target, method := range map[string]string{"/status": "GET", "/drain": "GET", "/resume": "GET", "/shutdown": "GET", "/force": "GET"} {
				a := ask(t, h, method, target, c.request)
				allowed := 405 // who may is told what is wrong
				if target == "/status" {
					allowed = 200
				}
				switch {
				case c.refusal == yes && a.code != allowed:
					t.Errorf("%s %s = %d %v, want %d", method, target, a.code, a.keys, allowed)
				case c.refusal != yes && (a.code != 403 || !strings.HasPrefix(a.text("error"), c.refusal) || len(a.keys) != 1):
					t.Errorf("%s %s = %d %v, want 403, an error with %q and no more", method, target, a.code, a.keys, c.refusal)
				}
			}
			if a := ask(t, h, "GET", "/livez", c.request); a.code != 200 {
				t.Errorf("/livez = %d %v, want 200 for anybody", a.code, a.keys)
			}
		})
	}
}

// The function alone decides, whatever the rule says.
func TestWithAuthorize(t *testing.T) {
	var asked []string
	token := func(r *http.Request) error {
		asked = append(asked, r.URL.Path)
		if r.Header.Get("Authorization") != "Bearer good" {
			return errors.New("a token is needed")
		}
		return nil
	}
	first := func(*http.Request) error { return errors.New("the one given first is asked") }
	m := lifecycle.New(nil)
	h := admin.Handler(m, admin.WithAuthorize(first), admin.WithAuthorize(token), admin.WithAuthorize(nil))
	stranger := ok4.from("203.0.113.1:40000").to(tcp("10.0.0.2:9090")).named("pod.example").with("X-Forwarded-For")
	good := func(r *http.Request) { r.Header.Set("Authorization", "Bearer good") }

	if a := ask(t, h, "GET", "/status", stranger.request, good); a.code != 200 {
		t.Errorf("stranger with the token: %d %v, want 200", a.code, a.keys)
	}
	if a := ask(t, h, "GET", "/status"); a.code != 403 || a.text("error") != "a token is needed" {
		t.Errorf("this host without the token: %d %v, want 403 and the error of the function", a.code, a.keys)
	}
	for _, target := range []string{"/livez", "/readyz", "/trafficz", "/nothing"} {
		ask(t, h, "GET", target, stranger.request)
		ask(t, admin.Probes(m, admin.WithAuthorize(token)), "GET", target, stranger.request)
	}
	if len(asked) != 2 {
		t.Errorf("asked for %q, want /status twice", asked)
	}
}
