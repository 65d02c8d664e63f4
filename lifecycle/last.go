// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"slices"
	"strings"
)

// A DrainOption changes what Drain does. A nil one is ignored.
type DrainOption func(*drainConfig)

type drainConfig struct{ last bool }

// DrainLast makes Drain go on where no other usable instance is listed, so that clients are left with none.
func DrainLast() DrainOption { return func(c *drainConfig) { c.last = true } }

// onlyOneAt names the registrars, among those that are asked, which know of no other usable instance. It is empty where
// one of them knows one, and where none can tell: an absence of knowledge is no reason to keep an instance.
func (m *Manager) onlyOneAt(asked func(*reconciler) bool) (names []string) {
	m.mu.Lock()
	listing := slices.DeleteFunc(slices.Clone(m.reconcilers), func(k *reconciler) bool { return !knowsOthers(k) || !asked(k) })
	m.mu.Unlock()
	for _, k := range listing {
		others := k.registrar.(otherser).Others()
		if others == nil {
			continue // nothing is known yet
		}
		if slices.ContainsFunc(others, func(o Other) bool { return o.Usable }) {
			return nil
		}
		names = append(names, k.name)
	}
	return names
}

// lists tells that consumers find the instance here, as far as is known. It is called with the lock held.
func lists(k *reconciler) bool { return k.state == Registered && k.presence == presenceShown }

// hasListed tells that they did, and would again. It is called with the lock held.
func hasListed(k *reconciler) bool { return k.ever }

// mayDrain tells that a drain by hand leaves another instance, or changes nothing for clients.
func (m *Manager) mayDrain(opts []DrainOption) error {
	var c drainConfig
	for _, o := range opts {
		if o != nil {
			o(&c)
		}
	}
	m.mu.Lock()
	serving := m.state == Serving
	m.mu.Unlock()
	if c.last || !serving {
		return nil
	}
	if names := m.onlyOneAt(lists); len(names) > 0 {
		return fmt.Errorf("lifecycle: drain: %w: %s; DrainLast() drains it all the same", ErrLastInstance, strings.Join(names, ", "))
	}
	return nil
}

// noteLast says that clients are left with no other instance. A signal, and an operator's switch, are obeyed all the
// same.
func (m *Manager) noteLast(o *offline) {
	names := m.onlyOneAt(hasListed)
	if len(names) == 0 {
		return
	}
	o.note(func(r *Report) { r.Last = true })
	m.log.Warn("no other usable instance is listed", "registrars", names, "trigger", o.snapshot().Trigger)
}
