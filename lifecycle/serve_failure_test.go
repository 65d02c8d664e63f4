// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestServeErrorIsAnErrorOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.server.fail = net.ErrClosed
		if err := r.Run(t.Context(), fakeListener{}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Run() = %v, want the error of Serve", err)
		}
		if got := lastOf(r.events(), "nacos.Close"); got < 0 {
			t.Errorf("events = %q, want the registrar closed", r.events())
		}
	})
}

// An instance whose server somebody else has stopped must not stay listed.
func TestServeThatReturnsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.run(t)
		r.server.Stop()
		if err := <-r.result; !errors.Is(err, errStoppedByOther) {
			t.Errorf("Run() = %v, want that the server was stopped by somebody else", err)
		}
		r.at(t, "nacos absent")
	})
}

// A mortalServer fails when it is told to.
type mortalServer struct {
	*fakeServer
	die chan struct{}
}

func (s mortalServer) Serve(net.Listener) error {
	select {
	case <-s.die:
		return errBroken
	case <-s.stopped:
		return net.ErrClosed // as some do that were stopped
	}
}

// A lame duck has to serve: its calls are lost, whatever the rest of the offline comes to.
func TestServeErrorOfALameDuck(t *testing.T) {
	for name, trigger := range map[string]func(*rig){
		"Run's context": (*rig).terminate,
		"Shutdown":      func(r *rig) { go r.Shutdown(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				die := make(chan struct{})
				r.Manager.server = mortalServer{r.server, die}
				r.run(t)
				trigger(r)
				time.Sleep(time.Second) // withdrawn, and settling
				close(die)
				if err := <-r.result; !errors.Is(err, errBroken) {
					t.Errorf("Run() = %v, want the failure of Serve", err)
				}
			})
		})
	}
}

// What a server that was told to stop says is no failure.
func TestServeErrorAfterGracefulStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Manager.server = mortalServer{r.server, make(chan struct{})}
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

// A server that somebody else stops refuses new connections at once, and returns from Serve when its last call has
// ended: the listener tells first, before the trigger and after it.
func TestServerStoppedByOtherWhileACallIsOpen(t *testing.T) {
	for name, trigger := range map[string]func(*rig){
		"before the trigger": func(*rig) {},
		"after the trigger":  (*rig).terminate,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.server.calls = r.calls
				r.run(t)
				r.calls.set(1, 0)
				trigger(r)
				time.Sleep(time.Second)
				at := time.Now()
				go r.server.GracefulStop() // by a signal handler of the program
				time.Sleep(10 * time.Second)
				if s := r.Status(); s.State < Draining || s.Registrars[0].State != Withdrawn {
					t.Errorf("Status() = %+v, want that the withdrawal goes on", s)
				}
				r.calls.set(0, 0)
				err := <-r.result
				if !errors.Is(err, errStoppedByOther) || strings.Count(err.Error(), errStoppedByOther.Error()) != 1 {
					t.Errorf("Run() = %v, want once that the server was stopped by somebody else", err)
				}
				if got := r.Report().StoppedByOther; !got.Equal(at) {
					t.Errorf("Report.StoppedByOther = %v, want %v", got, at)
				}
			})
		})
	}
}
