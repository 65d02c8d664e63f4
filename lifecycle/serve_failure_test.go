// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
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
