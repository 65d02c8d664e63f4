// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
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
		if got := r.Report(); got.Outcome != OutcomeDrained || got.Unconfirmed {
			t.Errorf("Report = %+v, want drained, and the absence seen: an operator made it", got)
		}
		since := r.Status().Registrars[0].Absent
		r.reg.operator <- false // told again, as after a Register
		time.Sleep(time.Second)
		if got := r.Status().Registrars[0].Absent; !got.Equal(since) {
			t.Errorf("absent since %v, want %v: nothing is new", got, since)
		}
		if err := r.Resume(t.Context()); !errors.Is(err, ErrOfflineByOperator) {
			t.Errorf("Resume() = %v, want ErrOfflineByOperator", err)
		}
		r.reg.operator <- true
		time.Sleep(time.Second)
		if s := r.Status(); s.State != Serving || !s.Ready {
			t.Errorf("Status() = %+v, want serving", s)
		}
		wantEvents(t, r.recorder, "calls.Drain", "health.Drain", "not ready", "health.Shutdown", "calls.Resume", "health.Resume", "ready")
		r.terminate()
		<-r.result
	})
}

// A drain by hand has a Report of its own, and ends with it.
func TestDrainWhileItIsBeingParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(100 * time.Millisecond)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if got := r.Report(); got.Trigger != triggerHand || got.Outcome != OutcomeDrained {
			t.Errorf("Report = %+v, want that of the drain by hand", got)
		}
		if err := r.Resume(t.Context()); !errors.Is(err, ErrOfflineByOperator) {
			t.Errorf("Resume() = %v, want ErrOfflineByOperator", err)
		}
		r.terminate()
		<-r.result
	})
}

// What an operator does to an instance that we have withdrawn is for the next Register to find out.
func TestOperatorWhileWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegistryOffline(Exit))
		r.run(t)
		r.reg.operator <- true
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.reg.operator <- false
		time.Sleep(time.Second)
		if s := r.Status(); s.State != Draining || !slices.Equal(s.Causes, []string{"by hand"}) {
			t.Errorf("Status() = %+v, want draining by hand and nothing else", s)
		}
		r.terminate()
		<-r.result
	})
}

// A Watch that fails is begun again.
func TestWatchThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		failing := &failingWatch{fakeRegistrar: r.reg}
		r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(failing))
		r.run(t)
		r.reg.operator <- true
		r.reg.operator <- false
		time.Sleep(time.Second)
		if s := r.Status(); s.State != Draining || failing.times < 3 {
			t.Errorf("State = %v after %d Watches, want draining after 3", s.State, failing.times)
		}
		r.terminate()
		<-r.result
	})
}

type failingWatch struct {
	*fakeRegistrar
	times int
}

func (f *failingWatch) Watch(ctx context.Context, changed func(bool)) error {
	if f.times++; f.times < 3 {
		return errBroken
	}
	return f.fakeRegistrar.Watch(ctx, changed)
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
		if s := r.Status(); s.State != Serving || len(s.Causes) > 0 || !s.Registrars[0].Offline || s.Registrars[1].Offline {
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
		if s := r.Status(); s.State != Draining || !slices.Equal(s.Causes, []string{"by hand"}) || s.Registrars[0].State != Withdrawn {
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
		var want []string
		for range 21 {
			r.reg.operator <- false
			time.Sleep(300 * time.Millisecond)
			if s := r.Status(); s.State != Draining || s.Ready {
				t.Errorf("Status() = %+v after the offline, want draining", s)
			}
			r.reg.operator <- true
			time.Sleep(300 * time.Millisecond)
			if s := r.Status(); s.State != Serving || !s.Ready {
				t.Errorf("Status() = %+v after the online, want serving", s)
			}
			want = append(want, "calls.Drain", "health.Drain", "not ready", "calls.Resume", "health.Resume", "ready")
		}
		wantEvents(t, r.recorder, want...) // and never a Deregister, which would end the operator's flag
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}
