// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestParkAndOnline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true // how the registry holds it when Watch begins
		r.reg.operator <- false
		time.Sleep(10 * time.Second)
		if s := r.Status(); s.State != Draining || !slices.Equal(s.Causes, []string{"operator at nacos"}) {
			t.Errorf("Status() = %+v, want draining because of the operator", s)
		}
		if err := r.Resume(t.Context()); !errors.Is(err, ErrOfflineByOperator) {
			t.Errorf("Resume() = %v, want ErrOfflineByOperator", err)
		}
		r.reg.operator <- true
		time.Sleep(time.Second)
		if s := r.Status(); s.State != Serving || !s.Ready {
			t.Errorf("Status() = %+v, want serving", s)
		}
		wantEvents(t, r.recorder, "calls.Drain", "health.Shutdown", "calls.Resume", "health.Resume")
		r.terminate()
		<-r.result
	})
}

func TestShutdownOfAParkedInstanceIsQuick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(10 * time.Second)
		began := time.Now()
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := time.Since(began); got > 1500*time.Millisecond {
			t.Errorf("Run took %v after the trigger, want under 1.5 s: settle counts from the first absence", got)
		}
	})
}

func TestExitOnOperatorOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegistryOffline(Exit))
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if got := r.Report().Trigger; got != "operator offline" {
			t.Errorf("Trigger = %q, want the operator", got)
		}
	})
}

func TestExitParksWhenOfflineWasFoundAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegistryOffline(Exit))
		r.run(t)
		r.reg.operator <- false
		time.Sleep(time.Minute)
		if got := r.Status().State; got != Draining {
			t.Errorf("State = %v, want draining: a supervisor would restart the process in a loop", got)
		}
		r.terminate()
		<-r.result
	})
}

func TestOneOfTwoRegistrarsOfflineKeepsServing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		other := newFakeRegistrar(r.recorder, "other")
		r.Manager = New(r.server, WithCalls(r.calls), WithHealth(r.health), WithRegistrar(r.reg), WithRegistrar(other))
		r.run(t)
		for _, reg := range []*fakeRegistrar{r.reg, other} {
			reg.operator <- true
		}
		r.reg.operator <- false
		time.Sleep(time.Second)
		if s := r.Status(); s.State != Serving || !s.Registrars[0].Offline || s.Registrars[1].Offline {
			t.Errorf("Status() = %+v, want serving, with the first registrar's offline shown", s)
		}
		wantEvents(t, r.recorder)
		other.operator <- false
		time.Sleep(time.Second)
		if got := r.Status().State; got != Draining {
			t.Errorf("State = %v, want draining: offline at all registrars", got)
		}
		r.reg.operator <- true
		time.Sleep(time.Second)
		if got := r.Status().State; got != Serving {
			t.Errorf("State = %v, want serving: one lists the instance again", got)
		}
		r.terminate()
		<-r.result
	})
}

// TestCausesAreASet: an operator's online does not undo a drain by hand, nor the other way round.
func TestCausesAreASet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(time.Minute)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if got := r.events(); slices.Contains(got, "nacos.Deregister") {
			t.Errorf("events = %q, want no Deregister: it would end the operator's flag", got)
		}
		r.reg.operator <- true
		time.Sleep(time.Minute)
		if s := r.Status(); s.State != Draining || !slices.Equal(s.Causes, []string{"by hand"}) || s.Registrars[0].Standing != Withdrawn {
			t.Errorf("Status() = %+v, want draining by hand, and withdrawn", s)
		}
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		if got := r.Status().State; got != Serving {
			t.Errorf("State = %v, want serving", got)
		}
		r.terminate()
		<-r.result
	})
}

// Resume takes back the drain by hand and leaves the operator's offline in force.
func TestResumeOfWhatAnOperatorHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(time.Minute)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		r.recorder.reset()
		if err := r.Resume(t.Context()); !errors.Is(err, ErrOfflineByOperator) {
			t.Errorf("Resume() = %v, want ErrOfflineByOperator", err)
		}
		if s := r.Status(); s.State != Draining || !slices.Equal(s.Causes, []string{"operator at nacos"}) {
			t.Errorf("Status() = %+v, want draining because of the operator only", s)
		}
		wantEvents(t, r.recorder)
		r.reg.operator <- true
		time.Sleep(time.Minute)
		if s := r.Status(); s.State != Serving {
			t.Errorf("State = %v, want serving: no cause is left", s.State)
		}
		r.terminate()
		<-r.result
	})
}

func TestFlappingOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		for range 21 {
			r.reg.operator <- false
			time.Sleep(300 * time.Millisecond)
			r.reg.operator <- true
			time.Sleep(300 * time.Millisecond)
		}
		if s := r.Status(); s.State != Serving || !s.Ready {
			t.Errorf("Status() = %+v, want serving", s)
		}
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}
