// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"sync"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// teller tells systemd what becomes of the instance. As the health service it hears when the instance is ready, which
// is when every registrar has listed it.
type teller struct {
	lifecycle.Health
	supervisor supervisor
	status     func() lifecycle.Status
	ready      chan struct{} // closed when the instance is ready for the first time
	readyOnce  sync.Once
	stopping   sync.Once
}

func newTeller(s supervisor, h lifecycle.Health) *teller {
	return &teller{Health: h, supervisor: s, ready: make(chan struct{})}
}

// SetReady is called with the Manager's lock held, so it only passes on.
func (t *teller) SetReady(ready bool) {
	t.Health.SetReady(ready)
	if ready {
		t.readyOnce.Do(func() { close(t.ready) })
	}
}

// tellReady says READY=1 in time; what it returns ends the wait.
func (t *teller) tellReady() (end func()) {
	over := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Go(func() {
		select {
		case <-t.ready:
			t.tell("READY=1", "STATUS=ready")
		case <-over:
		}
	})
	return func() {
		close(over)
		waiting.Wait()
	}
}

// onState says STOPPING=1 once, and in STATUS, for systemctl, where the instance stands.
func (t *teller) onState(state lifecycle.State) {
	assignments := []string{"STATUS=" + state.String()}
	if goes(state, t.status()) {
		t.stopping.Do(func() { assignments = append(assignments, "STOPPING=1") })
	}
	t.tell(assignments...)
}

// goes tells an offline that ends the process from one that may be undone: systemd ends what has said STOPPING=1.
func goes(state lifecycle.State, status lifecycle.Status) bool {
	return state >= lifecycle.Stopping || state == lifecycle.Draining && !status.Deadline.IsZero()
}

// tell says it in the log when systemd cannot be told.
func (t *teller) tell(assignments ...string) {
	if err := t.supervisor.tell(assignments...); err != nil {
		slog.Warn("systemd does not hear", "err", err)
	}
}
