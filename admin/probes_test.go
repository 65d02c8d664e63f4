// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// wantProbes compares the answers of all probes, by GET and by HEAD, of Handler and of Probes.
func wantProbes(t *testing.T, when string, r *rig, state lifecycle.State, readyz, trafficz int, causes ...string) {
	t.Helper()
	gone := trafficz
	if gone == 503 {
		gone = 404
	}
	for _, h := range []http.Handler{r, admin.Probes(r.Manager)} {
		for target, code := range map[string]int{"/livez": 200, "/readyz": readyz, "/trafficz": trafficz, "/trafficz?gone=404": gone} {
			for _, method := range []string{"GET", "HEAD"} {
				a := ask(t, h, method, target, kubelet)
				want(t, when+": "+target, a, code, state, "")
				got, _ := json.Marshal(a.keys["causes"])
				expected, _ := json.Marshal(causes)
				if code == 200 {
					expected = []byte("null")
				}
				if string(got) != string(expected) {
					t.Errorf("%s: %s: causes = %s, want %s", when, target, got, expected)
				}
			}
		}
	}
}

func kubelet(r *http.Request) { r.Header.Set("User-Agent", "kube-probe/1.34") }

func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		wantProbes(t, "before Run", r, starting, 503, 503)
		r.run(t)
		if a := ask(t, r, "GET", "/readyz"); a.code != 503 || !slices.Equal(a.keys["causes"].([]any), []any{"not registered yet"}) {
			t.Errorf("not listed yet: /readyz = %d %v, want 503 and the cause", a.code, a.keys)
		}
		want(t, "not listed yet: /trafficz", ask(t, r, "GET", "/trafficz"), 200, serving, "")
		time.Sleep(time.Minute)
		wantProbes(t, "serving", r, serving, 200, 200)
		ask(t, r, "POST", "/drain")
		wantProbes(t, "drained", r, draining, 503, 503, "by hand")
		ask(t, r, "POST", "/resume?wait=10s")
		wantProbes(t, "serving again", r, serving, 200, 200)
		r.registrar.operator <- false
		synctest.Wait()
		wantProbes(t, "parked", r, draining, 503, 503, "operator offline")
		r.registrar.operator <- true
		synctest.Wait()
		wantProbes(t, "put online", r, serving, 200, 200)
		ask(t, r, "POST", "/shutdown")
		wantProbes(t, "shut down by POST", r, draining, 503, 503, "shutdown by hand")
		time.Sleep(lifecycle.DefaultBudget)
		wantProbes(t, "stopped", r, stopped, 503, 503, "shutdown by hand")
	})
}

// A trigger from outside leaves readiness as it is, and not traffic. Its cause may have any text.
func TestProbesAfterATriggerFromOutside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() { r.result <- r.Run(ctx, fakeListener{}) }()
		time.Sleep(time.Minute)
		cancel(errors.New("password of 10.0.0.1"))
		synctest.Wait()
		wantProbes(t, "triggered", r, draining, 200, 503, "context")
		<-r.result
		wantProbes(t, "stopped", r, stopped, 503, 503, "context")
	})
}

// What Status and Report have of registries, calls and errors is nobody's business.
func TestProbesTellNoNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		r.registrar.operator <- false
		synctest.Wait()
		for _, target := range []string{"/livez", "/readyz", "/trafficz"} {
			a := ask(t, admin.Probes(r.Manager), "GET", target)
			text, _ := json.Marshal(a.keys)
			for key := range a.keys {
				if key != "state" && key != "causes" {
					t.Errorf("%s: key %s, want state and causes alone", target, key)
				}
			}
			if strings.Contains(string(text), "nacos") {
				t.Errorf("%s: %s names the registry", target, text)
			}
		}
		if text, _ := json.Marshal(ask(t, r, "GET", "/status").keys); !strings.Contains(string(text), "nacos secret.example") {
			t.Errorf("/status: %s does not name the registry", text)
		}
	})
}

func TestBalancerThatAsksForReadiness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		lines := func() int { return strings.Count(r.log.String(), "a balancer has to ask /trafficz") }
		balancer := func(r *http.Request) { r.Header.Set("User-Agent", "ELB-HealthChecker/2.0") }
		ask(t, r, "GET", "/readyz", balancer)
		r.end()
		synctest.Wait()
		ask(t, r, "GET", "/readyz", kubelet)
		ask(t, r, "GET", "/trafficz", balancer)
		if n := lines(); n != 0 {
			t.Errorf("%d lines, want none: nobody has done anything wrong\n%s", n, r.log)
		}
		for range 3 {
			want(t, "the answer", ask(t, r, "GET", "/readyz", balancer), 200, draining, "")
		}
		if n := lines(); n != 1 || !strings.Contains(r.log.String(), "ELB-HealthChecker/2.0") {
			t.Errorf("%d lines, want one with the User-Agent\n%s", n, r.log)
		}
	})
}

func TestProbesHaveNoControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		for _, target := range []string{"/status", "/drain", "/resume", "/shutdown", "/force"} {
			for _, method := range []string{"GET", "POST"} {
				if a := ask(t, admin.Probes(r.Manager), method, target); a.code != 404 || a.text("error") == "" {
					t.Errorf("%s %s = %d %v, want 404", method, target, a.code, a.keys)
				}
			}
		}
		wantProbes(t, "afterwards", r, serving, 200, 200)
	})
}
