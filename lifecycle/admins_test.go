// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Probes and metrics answer until nothing is left to be asked about.
func TestAdminIsStoppedLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		admin := &fakeServer{recorder: r.recorder, name: "admin.", stopped: make(chan struct{})}
		WithAdmin(admin, fakeListener{})(&r.config)
		WithAdmin(nil)(&r.config)
		r.run(t)
		if all := r.all(); !slices.Contains(all, "admin.Serve") { // its listener is open before anything is registered
			t.Errorf("events %q, want the admin server to serve", all)
		}
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if events := r.events(); !slices.Equal(events[len(events)-3:], []string{"hook", "nacos.Close", "admin.GracefulStop"}) {
			t.Errorf("events %q, want the admin server last", events)
		}
	})
}

// Nothing of it holds the instance up.
func TestAdminThatHangsOrFails(t *testing.T) {
	for _, c := range []struct {
		name  string
		admin func(*fakeServer)
	}{
		{"hangs", func(s *fakeServer) { s.hang = make(chan struct{}) }},
		{"fails", func(s *fakeServer) { s.fail = errBroken }},
		{"a request that goes on", func(s *fakeServer) { s.linger = time.Hour }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				admin := &fakeServer{recorder: r.recorder, name: "admin.", stopped: make(chan struct{})}
				c.admin(admin)
				WithAdmin(admin, fakeListener{})(&r.config)
				r.run(t)
				if s := r.Status().State; s != Serving {
					t.Errorf("state %v, want serving", s)
				}
				began := time.Now()
				r.terminate()
				err := <-r.result
				if err != nil {
					t.Errorf("Run() = %v, want nil", err)
				}
				if got, want := slices.Contains(r.Report().Abandoned, "Stop of admin server 1"), admin.hang != nil; got != want {
					t.Errorf("abandoned %q, want the admin server: %t", r.Report().Abandoned, want)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("Run took %v, want what it takes without it", took)
				}
				if admin.hang != nil {
					close(admin.hang)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

func TestAdminThatCannotBe(t *testing.T) {
	s, twice := &fakeServer{recorder: newRecorder()}, &http.Server{}
	for want, m := range map[string]*Manager{
		"WithAdmin: server 1 is also given to New or WithServer": New(s, WithAdmin(s, fakeListener{})),
		"WithAdmin: server 1 is also given":                      New(HTTPServer(twice), WithAdmin(HTTPServer(twice), fakeListener{})),
		"admin server 1 has no listener":                         New(s, WithAdmin(&fakeServer{})),
		"listener 1 of admin server 1 is nil":                    New(s, WithAdmin(&fakeServer{}, net.Listener(nil))),
	} {
		if err := m.Run(t.Context(), fakeListener{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run() = %v, want %s", err, want)
		}
	}
}

// A handler of the admin server waits for the end, and hears of it: the Manager does not wait for the handler.
func TestHandlerOfAnAdminServerMayWaitForTheEnd(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, WithSettle(0), WithQuiet(0))
	r.reg.delay = 0
	mux := http.NewServeMux()
	var answered atomic.Bool
	mux.HandleFunc("POST /shutdown", func(w http.ResponseWriter, req *http.Request) {
		if err := r.Shutdown(req.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
		time.Sleep(adminGrace / 10) // a machine that is busy
		answered.Store(true)
	})
	WithAdmin(HTTPServer(&http.Server{Handler: mux}), lis)(&r.config)
	over := make(chan error, 1)
	go func() {
		err := r.Run(t.Context(), fakeListener{})
		if !answered.Load() { // the process would end now
			err = errors.New("Run has returned before the answer was out")
		}
		over <- err
	}()
	answer, err := http.Post("http://"+lis.Addr().String()+"/shutdown", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("status %s, want 200", answer.Status)
	}
	if err := <-over; err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}
