// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"time"
)

// CheckEvery shortens checkWait before the first Register.
func (r *Registrar) CheckEvery(d time.Duration) { r.machine.t.check = d }

// Hasten shortens, before the first Register, what an operator's offline takes to be believed.
func (r *Registrar) Hasten() {
	r.t.grace, r.t.probe, r.t.confirm = 800*time.Millisecond, 1200*time.Millisecond, 200*time.Millisecond
	r.machine.t = r.t
}

// Held asks for the registry's detail of the instance; only while there is a connection.
func (r *Registrar) Held(ctx context.Context) (held, known bool) {
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	return l.Held(ctx, r.inst.Service, r.inst.Group, l.self)
}

// Shown reports whether our own subscription shows our address; only while there is a connection.
func (r *Registrar) Shown() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.link.view.absent()
}

const (
	Grace       = grace
	ProbeWait   = probeWait
	ConfirmWait = confirmWait
	AbsenceWait = absenceWait
)
