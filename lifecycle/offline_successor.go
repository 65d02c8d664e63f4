// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// othersPoll passes between two looks at who else is listed.
const othersPoll = 50 * time.Millisecond

// awaitSuccessor lets the others become known before the instance goes. News of two instances travel by two ways: a
// consumer on a third registry node may hear that the old one has gone before it hears that the new one is there, and
// know nobody. While the others that are listed for as long as settle do not outnumber the younger ones, the offline
// waits, for settle at the most. A fleet in an ordinary rollout skips it.
func (m *Manager) awaitSuccessor(ctx context.Context, o *offline) error {
	registrars, settle := m.withOthers(o), m.settleTime()
	began, most := time.Now(), o.plan.trigger.Add(o.plan.successorMost(settle))
	alone := func() bool {
		return slices.ContainsFunc(registrars, func(r otherser) bool { return len(usable(r)) == 0 })
	}
	young := func() bool {
		return slices.ContainsFunc(registrars, func(r otherser) bool { return newcomers(usable(r), settle) })
	}
	if (m.successor == 0 || !alone()) && !young() {
		return errSkipped
	}
	if m.successor > 0 && !awaitOthers(ctx, earlier(began.Add(m.successor), most), alone) {
		return fmt.Errorf("no successor: nobody else was listed within %v", time.Since(began).Round(time.Millisecond))
	}
	if !awaitOthers(ctx, earlier(time.Now().Add(settle), most), young) {
		return fmt.Errorf("the others are listed for less than settle, %v", settle)
	}
	return nil
}

// withOthers returns the registrars that list the instance and know of the others.
func (m *Manager) withOthers(o *offline) (registrars []otherser) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.announced || !o.kind.withdraws() {
		return nil
	}
	for _, k := range m.reconcilers {
		if r, ok := k.registrar.(otherser); ok && k.ever && k.absent.IsZero() {
			registrars = append(registrars, r)
		}
	}
	return registrars
}

func knowsOthers(k *reconciler) bool {
	_, ok := k.registrar.(otherser)
	return ok
}

// usable returns the others that consumers send traffic to.
func usable(r otherser) []Other {
	return slices.DeleteFunc(slices.Clone(r.Others()), func(other Other) bool { return !other.Usable })
}

// newcomers tells that those who are listed for less than settle are at least as many as the rest.
func newcomers(others []Other, settle time.Duration) bool {
	young := 0
	for _, other := range others {
		if !other.Since.IsZero() && time.Since(other.Since) < settle {
			young++
		}
	}
	return young > 0 && len(others)-young <= young
}

// awaitOthers waits while busy says so, and reports false when by comes first. It looks once in any case.
func awaitOthers(ctx context.Context, by time.Time, busy func() bool) bool {
	for busy() {
		if !time.Now().Before(by) {
			return false
		}
		if !pause(ctx, earlier(time.Now().Add(othersPoll), by)) {
			return true
		}
	}
	return true
}
