// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFurtherServersStopFirstLastOneFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		second := &fakeServer{recorder: r.recorder, name: "second.", stopped: make(chan struct{})}
		third := &fakeServer{recorder: r.recorder, name: "third.", stopped: make(chan struct{})}
		WithServer(second, fakeListener{})(&r.config)
		WithServer(third, fakeListener{})(&r.config)
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		wantEvents(t, r.recorder,
			"calls.Drain", "health.Drain", "nacos.Deregister", "nacos absent",
			"not ready", "third.GracefulStop", "second.GracefulStop", "GracefulStop",
			"health.EndWatches", "calls.TellStreams", "hook", "nacos.Close")
	})
}

// A gateway gets time to let go of the server behind it, but not for ever, and none once somebody forces.
func TestLeadOfAFurtherServer(t *testing.T) {
	tests := []struct {
		name         string
		linger, want time.Duration // of the first server's GracefulStop after the further one's
		force        bool
	}{
		{name: "lets go", linger: 2 * time.Second, want: 2 * time.Second},
		{name: "does not let go", linger: 10 * time.Second, want: serverLead},
		{name: "somebody forces", linger: 10 * time.Second, want: time.Second, force: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				further := &fakeServer{recorder: r.recorder, name: "further.", stopped: make(chan struct{}), linger: tt.linger}
				WithServer(further, fakeListener{})(&r.config)
				r.run(t)
				if tt.force {
					go func() {
						time.Sleep(4100*time.Millisecond + tt.want)
						r.Force()
					}()
				}
				r.terminate()
				if err := <-r.result; errors.Is(err, ErrForcedStop) != tt.force {
					t.Errorf("Run() = %v, want forced: %t", err, tt.force)
				}
				if got := r.at(t, "GracefulStop") - r.at(t, "further.GracefulStop"); (got - tt.want).Abs() > 50*time.Millisecond {
					t.Errorf("GracefulStop %v after the further server's, want %v", got, tt.want)
				}
				time.Sleep(tt.linger)
			})
		})
	}
}

// GracefulStop of the first server begins in time for what is in flight there, whatever the further ones do.
func TestLeadEndsWithTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, WithBudget(5*time.Second), WithSettle(2500*time.Millisecond), func(c *config) { c.onStop = nil })
		further := &fakeServer{recorder: r.recorder, name: "further.", stopped: make(chan struct{}), linger: time.Minute}
		WithServer(further, fakeListener{})(&r.config)
		r.run(t)
		r.terminate()
		<-r.result
		if got, want := r.at(t, "GracefulStop"), 4*time.Second; (got - want).Abs() > 50*time.Millisecond {
			t.Errorf("GracefulStop after %v, want %v: a fifth of the budget before its end", got, want)
		}
		time.Sleep(time.Minute)
	})
}
