// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

var silent = admin.WithLogger(slog.New(slog.DiscardHandler))

func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	lis, err := net.Listen(network, addr)
	if err != nil {
		if addr == "[::1]:0" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	return lis
}

// serve serves until the test ends.
func serve(t *testing.T, s *http.Server, lis net.Listener) {
	served := make(chan error, 1)
	go func() { served <- s.Serve(lis) }()
	t.Cleanup(func() {
		s.Close()
		<-served
	})
}

// call asks over a socket; host is that of the request.
func call(t *testing.T, lis net.Listener, method, host, target string, header ...string) answer {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, lis.Addr().Network(), lis.Addr().String())
		},
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+host+target, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range header {
		req.Header.Set(name, "x")
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	a := answer{code: resp.StatusCode, header: resp.Header}
	if err := json.NewDecoder(resp.Body).Decode(&a.keys); err != nil && method != "HEAD" {
		t.Errorf("%s %s: the body is not JSON: %v", method, target, err)
	}
	return a
}

// longDrain returns a Manager whose drain takes a minute, until it is forced.
func longDrain() *lifecycle.Manager {
	s := &fakeServer{stopped: make(chan struct{}), release: make(chan struct{})}
	return lifecycle.New(s, lifecycle.WithBudget(5*time.Minute), lifecycle.WithSettle(time.Minute), lifecycle.WithLogger(slog.New(slog.DiscardHandler)))
}

// What net/http shows of real connections is what the rule takes for this host.
func TestWhoMayOverSockets(t *testing.T) {
	for name, c := range map[string]struct{ network, addr, host string }{
		"IPv4":   {"tcp4", "127.0.0.1:0", "127.0.0.1"},
		"both":   {"tcp", "localhost:0", "localhost"},
		"IPv6":   {"tcp6", "[::1]:0", "[::1]"},
		"socket": {"unix", "", "anything"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.network == "unix" {
				if runtime.GOOS == "windows" {
					t.Skip("a path of a temporary directory may be too long")
				}
				c.addr = filepath.Join(t.TempDir(), "a")
			}
			lis := listen(t, c.network, c.addr)
			m := longDrain()
			serve(t, &http.Server{Handler: admin.Handler(m, silent)}, lis)
			if a := call(t, lis, "GET", c.host, "/status"); a.code != 200 {
				t.Errorf("%d %v, want 200", a.code, a.keys)
			}
			if a := call(t, lis, "HEAD", c.host, "/status"); a.code != 200 || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("HEAD: %d %v, want 200 and JSON", a.code, a.header)
			}
			for _, header := range []string{"X-Forwarded-For", "Origin", "Via"} {
				if a := call(t, lis, "POST", c.host, "/force", header); a.code != 403 {
					t.Errorf("with %s: %d %v, want 403", header, a.code, a.keys)
				}
			}
			if a := call(t, lis, "POST", "evil.example", "/resume"); c.network != "unix" && a.code != 403 {
				t.Errorf("DNS rebinding: %d %v, want 403", a.code, a.keys)
			}
			if a := call(t, lis, "POST", c.host, "/drain"); a.code != 202 {
				t.Errorf("%d %v, want 202", a.code, a.keys)
			}
			m.Force()
			m.Shutdown(t.Context())
		})
	}
}

func TestWaitEndsWhenTheClientGoes(t *testing.T) {
	m := longDrain()
	defer m.Shutdown(t.Context())
	defer m.Force()
	h := admin.Handler(m, silent)
	returned := make(chan struct{})
	lis := listen(t, "tcp", "127.0.0.1:0")
	serve(t, &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		close(returned)
	})}, lis)
	conn, err := net.Dial("tcp", lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("POST /drain?wait=1h HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")); err != nil {
		t.Fatal(err)
	}
	for m.Status().State != draining {
		time.Sleep(time.Millisecond)
	}
	conn.Close()
	select {
	case <-returned:
	case <-time.After(30 * time.Second):
		t.Fatal("the handler still waits after 30 s")
	}
	if got := m.Status().State; got != draining {
		t.Errorf("state = %v, want draining: the drain goes on", got)
	}
}

func TestWaitIsLongerThanTheLimitsOfTheServer(t *testing.T) {
	m := longDrain()
	defer m.Shutdown(t.Context())
	defer m.Force()
	lis := listen(t, "tcp", "127.0.0.1:0")
	serve(t, &http.Server{Handler: admin.Handler(m), ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond}, lis)
	began := time.Now()
	want(t, "drain", call(t, lis, "POST", "localhost", "/drain?wait=400ms"), 409, draining, "waited for 400ms; the drain goes on")
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("answered after %v, want 400ms", took)
	}
}

// A request must not wait for its own end.
func TestWaitOnAServerThatTheManagerStops(t *testing.T) {
	for _, policy := range []lifecycle.Policy{lifecycle.Lossless, lifecycle.Strict} {
		lis := listen(t, "tcp", "127.0.0.1:0")
		var h http.Handler
		own := lifecycle.HTTPServer(&http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })})
		m := lifecycle.New(own, lifecycle.WithPolicy(policy), lifecycle.WithRegistrar(&fakeRegistrar{}), lifecycle.WithSettle(0), lifecycle.WithQuiet(0),
			lifecycle.WithLogger(slog.New(slog.DiscardHandler)))
		h = admin.Handler(m, silent)
		result := make(chan error, 1)
		go func() { result <- m.Run(context.Background(), lis) }()

		want(t, "shutdown with wait", call(t, lis, "POST", "localhost", "/shutdown?wait=30s"), 409, serving, "nothing was begun")
		if policy == lifecycle.Strict {
			want(t, "strict drain with wait", call(t, lis, "POST", "localhost", "/drain?wait=30s"), 409, serving, lifecycle.ErrFromHandler.Error())
		} else {
			want(t, "drain with wait", call(t, lis, "POST", "localhost", "/drain?wait=30s"), 200, draining, "")
		}
		want(t, "drain", call(t, lis, "POST", "localhost", "/drain"), 202, draining, "")
		want(t, "resume", call(t, lis, "POST", "localhost", "/resume?wait=30s"), 200, serving, "")
		if a := call(t, lis, "POST", "localhost", "/shutdown"); a.code != 202 {
			t.Errorf("shutdown: %d %v, want 202", a.code, a.keys)
		}
		if err := <-result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if report := m.Report(); report.Trigger != "shutdown by hand" || report.Outcome != lifecycle.OutcomeStopped {
			t.Errorf("report: %q, %q; want shutdown by hand, stopped", report.Trigger, report.Outcome)
		}
	}
}
