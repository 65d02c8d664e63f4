// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"
	"testing/synctest"
	"time"
)

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

// The same goes for every later registration.
func TestExitParksWhenOfflineWasFoundByResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegistryOffline(Exit))
		r.run(t)
		r.reg.operator <- true
		synctest.Wait()
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.reg.operator <- false
		time.Sleep(time.Minute)
		if s := r.Status(); s.State != Draining {
			t.Errorf("state %v, want it parked", s.State)
		}
		r.reg.operator <- true
		time.Sleep(time.Minute)
		r.reg.operator <- false // and now it is news
		<-r.result
	})
}

// A Watch that is begun again tells once more what it has told.
func TestExitStaysParkedWhenToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithRegistryOffline(Exit))
		r.run(t)
		r.reg.operator <- false // found at start
		time.Sleep(time.Second)
		r.reg.operator <- false
		time.Sleep(time.Minute)
		if got := r.Status().State; got != Draining {
			t.Errorf("State = %v, want draining", got)
		}
		r.terminate()
		<-r.result
	})
}
