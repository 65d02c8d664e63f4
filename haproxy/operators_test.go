// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// A balancer that stands still does not hide what goes on at the others, however long a command may take.
func TestFrozenBalancerHidesNothing(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.mustRegister()
		w := r.watch(0)
		r.fakes[1].fail(silent, "")
		r.fakes[0].operate("maint")
		time.Sleep(3 * lookAgain)
		synctest.Wait()
		if got := w.all(); len(got) == 0 || got[len(got)-1] {
			t.Errorf("Watch has told %v, want offline at the one that answers", got)
		}
		r.fakes[0].operate(stateReady)
		time.Sleep(3 * lookAgain)

		r.fakes[1].fail("", "")
		r.mustDeregister()
		r.fakes[1].fail(silent, "")
		r.fakes[0].operate(stateReady) // a reload
		time.Sleep(2*lookAgain + 100*time.Millisecond)
		if got := r.fakes[0].s1().admin; got != forcedDrain {
			t.Errorf("two looks after it came back the admin state is %#x, want a drain", int(got))
		}
	}, func(c *Config) { c.Timeout = 20 * time.Second })
}

// Who was drained while they served was drained by an operator, and a Register that is repeated leaves it so.
func TestRegisterLeavesTheDrainOfAnOperator(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].operate(stateDrain)
		r.mustRegister()
		r.wantAdmin(forcedDrain, "after Register")
		r.mustDeregister()
		r.mustRegister()
		r.wantAdmin(forcedDrain, "after Deregister and Register")
		r.wantLog("ends our drain", 0)
		r.fakes[0].operate(stateReady)
		r.mustDeregister()
		r.mustRegister()
		r.wantAdmin(0, "after a drain of ours")
		r.wantLog("ends our drain", 1)
	})
}

// One of two is away at first, and Register is repeated until it is back: an operator may drain the other meanwhile.
func TestRepeatedRegisterLeavesTheDrainOfAnOperator(t *testing.T) {
	within(t, 2, func(t *testing.T, r *rig) {
		r.fakes[1].fail(refusing, "")
		if err := r.Register(t.Context(), s1Addr); err == nil {
			t.Error("Register() = nil, want an error: one balancer is away")
		}
		r.fakes[0].operate(stateDrain)
		r.fakes[1].fail("", "")
		r.mustRegister()
		if got := r.fakes[0].s1().admin; got != forcedDrain {
			t.Errorf("the admin state is %#x, want the operator's drain", int(got))
		}
	})
}

// An agent whose last word cannot be seen is watched, and a drain that was seen is confirmed when the time for that is
// over.
func TestDrainIsConfirmedWhileAnAgentIsWatched(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.fakes[0].change(func(s *server) { s.agent = 22 })
		r.mustRegister()
		ctx, cancel := context.WithTimeout(t.Context(), agentTurn/2)
		defer cancel()
		if err := r.Deregister(ctx); err != nil {
			t.Errorf("Deregister() = %v, want nil: the drain was seen", err)
		}
	})
}

// An address that every host has is ours only where the balancer is on our host.
func TestLoopbackOfAnotherHost(t *testing.T) {
	for address, want := range map[string]bool{
		"unix:1": true, "tcp:127.0.0.1:9999": true, "tcp:[::1]:9999": true, "tcp:localhost:9999": true,
		"tcp:203.0.113.9:9999": false, "tcp:balancer:9999": false,
	} {
		within(t, 1, func(t *testing.T, r *rig) {
			r.fakes[0].servers[0].host = "127.0.0.1"
			err := r.Register(t.Context(), &net.TCPAddr{Port: 9001})
			if (err == nil) != want {
				t.Errorf("%s: Register() = %v, want found: %t", address, err, want)
			}
		}, byAddress, func(c *Config) { c.Addresses = []string{address} })
	}
}

// Gone ends with Close.
func TestCloseEndsGone(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.mustDeregister()
		r.fakes[0].fail(silent, "")
		result := make(chan error, 1)
		go func() { result <- r.Gone(t.Context()) }()
		synctest.Wait()
		began := time.Now()
		_ = r.Close()
		if err := <-result; !errors.Is(err, ErrClosed) || time.Since(began) > 0 {
			t.Errorf("Gone() = %v after %v, want ErrClosed at once", err, time.Since(began))
		}
	})
}
