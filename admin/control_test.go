// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

const (
	starting = lifecycle.Starting
	serving  = lifecycle.Serving
	draining = lifecycle.Draining
	stopped  = lifecycle.Stopped
)

func TestDrainAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		began := time.Now()
		want(t, "drain", ask(t, r, "POST", "/drain"), 202, draining, "")
		want(t, "drain, again", ask(t, r, "POST", "/drain?wait=0s"), 202, draining, "")
		if took := time.Since(began); took != 0 {
			t.Errorf("a drain without wait took %v, want 0", took)
		}
		want(t, "wait for it", ask(t, r, "POST", "/drain?wait=30s"), 200, draining, "")
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("quiet after %v, want 1 s to confirm, 3 s to settle and 500 ms", took)
		}
		if got := r.Report().Outcome; got != lifecycle.OutcomeDrained {
			t.Errorf("outcome = %q, want drained", got)
		}

		want(t, "resume", ask(t, r, "POST", "/resume"), 202, serving, "")
		want(t, "wait for the registration", ask(t, r, "POST", "/resume?wait=500ms"), 409, serving, "waited for 500ms; the registration goes on")
		want(t, "wait again", ask(t, r, "POST", "/resume?wait=5s"), 200, serving, "")
		want(t, "resume of what serves", ask(t, r, "POST", "/resume?wait=5s"), 200, serving, "")
	})
}

// Each is 409, and tells why.
func TestDrainThatDoesNotBecomeQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		want(t, "a short wait", ask(t, r, "POST", "/drain?wait=2s"), 409, draining, "waited for 2s; the drain goes on (phase settle waits for others")
		time.AfterFunc(time.Second, func() { ask(t, r, "POST", "/resume") })
		want(t, "undone", ask(t, r, "POST", "/drain?wait=30s"), 409, serving, lifecycle.ErrResumed.Error())
		time.AfterFunc(time.Second, func() { ask(t, r, "POST", "/shutdown") })
		want(t, "overtaken by a shutdown", ask(t, r, "POST", "/drain?wait=30s"), 409, draining, lifecycle.ErrStopping.Error())
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		r.calls.setBusy()
		want(t, "calls go on", ask(t, r, "POST", "/drain?wait=30s"), 409, draining, lifecycle.ErrNotQuiet.Error())
		if took := time.Since(r.Report().Began); took > 10*time.Second {
			t.Errorf("answered after %v, want as soon as Drain has returned", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.registrar.fails = true
		r.listed(t)
		want(t, "not confirmed", ask(t, r, "POST", "/drain?wait=30s"), 409, draining, "the registry did not answer")
	})
}

func TestResumeOfWhatAnOperatorHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		r.registrar.operator <- false
		synctest.Wait()
		for _, target := range []string{"/resume", "/resume?wait=1s"} {
			want(t, target, ask(t, r, "POST", target), 409, draining, lifecycle.ErrOfflineByOperator.Error())
		}
	})
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		began := time.Now()
		a := ask(t, r, "POST", "/shutdown")
		want(t, "shutdown", a, 202, draining, "")
		if want := began.Add(lifecycle.DefaultBudget).Format(time.RFC3339Nano); a.text("deadline") != want {
			t.Errorf("deadline = %q, want %q", a.text("deadline"), want)
		}
		if s := r.Status(); s.Ready || len(s.Causes) != 1 {
			t.Errorf("Status() = %+v, want not ready, by the shutdown", s)
		}
		for _, target := range []string{"/drain", "/drain?wait=30s", "/resume", "/resume?wait=30s"} {
			want(t, target, ask(t, r, "POST", target), 409, draining, lifecycle.ErrStopping.Error())
		}
		want(t, "a short wait", ask(t, r, "POST", "/shutdown?wait=1s"), 409, draining, "waited for 1s; the shutdown goes on")
		if took := time.Since(began); took != time.Second {
			t.Errorf("the wait took %v, want 1s", took)
		}
		want(t, "wait for it", ask(t, r, "POST", "/shutdown?wait=30s"), 200, stopped, "")
		want(t, "wait for what is over", ask(t, r, "POST", "/shutdown?wait=30s"), 200, stopped, "")
		want(t, "what is over", ask(t, r, "POST", "/shutdown?budget=1s"), 202, stopped, "")
		want(t, "drain of what is over", ask(t, r, "POST", "/drain"), 409, stopped, lifecycle.ErrStopping.Error())
		if got := r.Report().Trigger; got != "shutdown by hand" {
			t.Errorf("trigger = %q, want shutdown by hand", got)
		}
	})
}

func TestShutdownWithABudget(t *testing.T) {
	for target, limit := range map[string]time.Duration{
		"/shutdown?budget=2s&wait=30s": 3 * time.Second,
		"/shutdown?budget=0s&wait=30s": time.Second,
		"/shutdown?budget=1h&wait=1h":  lifecycle.DefaultBudget + time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t).listed(t)
			r.server.hangs = true
			began := time.Now()
			want(t, target, ask(t, r, "POST", target), 409, stopped, lifecycle.ErrForcedStop.Error())
			if took := time.Since(began); took > limit {
				t.Errorf("%s took %v, want %v at the most", target, took, limit)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // what is under way keeps its budget, and nobody is told otherwise
		r := newRig(t).listed(t)
		r.end()
		synctest.Wait()
		want(t, "shorter", ask(t, r, "POST", "/shutdown?budget=10s"), 409, draining, "a shutdown with a longer budget is under way, until ")
		want(t, "shorter, with wait", ask(t, r, "POST", "/shutdown?budget=10s&wait=30s"), 409, draining, "POST /force ends it")
		want(t, "longer", ask(t, r, "POST", "/shutdown?budget=1m"), 202, draining, "")
		want(t, "the longest", ask(t, r, "POST", "/shutdown?budget=2562047h47m16s"), 202, draining, "")
	})
}

func TestForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		r.server.hangs = true
		began := time.Now()
		if got := ask(t, r, "POST", "/force"); got.code != 202 {
			t.Errorf("force: %d %v, want 202", got.code, got.keys)
		}
		want(t, "wait for it", ask(t, r, "POST", "/shutdown?wait=30s"), 409, stopped, lifecycle.ErrForcedStop.Error())
		if took := time.Since(began); took > time.Second {
			t.Errorf("forced after %v, want a second at the most", took)
		}
		want(t, "force of what is over", ask(t, r, "POST", "/force"), 202, stopped, "")
	})
}

func TestControlBeforeRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		want(t, "drain", ask(t, r, "POST", "/drain"), 202, draining, "")
		want(t, "resume", ask(t, r, "POST", "/resume"), 202, starting, "")
		want(t, "shutdown", ask(t, r, "POST", "/shutdown?wait=30s"), 200, stopped, "")
	})
}

// alone is a registrar that lists nobody else.
type alone struct{ lifecycle.Registrar }

func (alone) Others() []lifecycle.Other { return []lifecycle.Other{} }

func TestDrainOfTheLastInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Manager = lifecycle.New(r.server, lifecycle.WithRegistrar(alone{r.registrar}), lifecycle.WithCalls(r.calls))
		r.Handler = admin.Handler(r.Manager)
		r.listed(t)
		for _, target := range []string{"/drain", "/drain?wait=30s"} {
			want(t, target, ask(t, r, "POST", target), 409, serving, "(by HTTP: ?last=true)")
		}
		if got := ask(t, r, "POST", "/drain?last=yes"); got.code != 400 || !strings.Contains(got.text("error"), "parameter last") {
			t.Errorf("last=yes: %d %v, want 400", got.code, got.keys)
		}
		want(t, "last", ask(t, r, "POST", "/drain?wait=30s&last=true"), 200, draining, "")
		want(t, "resume", ask(t, r, "POST", "/resume?wait=30s"), 200, serving, "")
		want(t, "shutdown", ask(t, r, "POST", "/shutdown?wait=30s"), 200, stopped, "")
	})
}
