// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"strings"
)

// A DrainOption changes what Drain does. A nil one is ignored.
type DrainOption func(*drainConfig)

type drainConfig struct{ last bool }

// DrainLast makes Drain go on where no other usable instance is listed, so that clients are left with none.
func DrainLast() DrainOption { return func(c *drainConfig) { c.last = true } }

// onlyOneAt names the registrars that list the instance and know of no other usable one. It is empty where one of them
// knows one, and where none can tell: an absence of knowledge is no reason to keep an instance.
func (m *Manager) onlyOneAt() (names []string) {
	m.mu.Lock()
	var listing []*reconciler
	for _, k := range m.reconcilers {
		if knowsOthers(k) && k.ever && k.known {
			listing = append(listing, k)
		}
	}
	m.mu.Unlock()
	for _, k := range listing {
		if len(usable(k.registrar.(otherser))) > 0 {
			return nil
		}
		names = append(names, k.name)
	}
	return names
}

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
	if names := m.onlyOneAt(); len(names) > 0 {
		return fmt.Errorf("lifecycle: drain: %w: %s; DrainLast() drains it all the same", ErrLastInstance, strings.Join(names, ", "))
	}
	return nil
}

// noteLast says that clients are left with no other instance. A signal, and an operator's switch, are obeyed all the
// same.
func (m *Manager) noteLast(o *offline) {
	names := m.onlyOneAt()
	if len(names) == 0 {
		return
	}
	o.note(func(r *Report) { r.Last = true })
	m.log.Warn("no other usable instance is listed", "registrars", names, "trigger", o.snapshot().Trigger)
}
