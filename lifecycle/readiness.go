// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"time"
)

// showReady brings readiness in line with what it depends on. It is called with the lock held, in the step of each
// change.
func (m *Manager) showReady() {
	ready := m.isReady()
	if ready == m.ready {
		return
	}
	m.ready = ready
	if m.health != nil {
		m.health.SetReady(ready)
	}
}

// isReady is called with the lock held.
func (m *Manager) isReady() bool {
	switch {
	case m.state >= Stopping || m.refusing:
		return false
	case m.shutdown != nil:
		return m.ready && m.shutdown.kind == kindShutdown
	case m.state != Serving:
		return false
	case m.unlisted:
		return true
	}
	for _, k := range m.reconcilers {
		if !k.ever {
			return false
		}
	}
	return true
}

// readyUnlistedAfter stops waiting for registrars after d.
func (m *Manager) readyUnlistedAfter(ctx context.Context, d time.Duration) {
	if !pause(ctx, time.Now().Add(d)) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unlisted = true
	for _, k := range m.reconcilers {
		if !k.ever {
			m.log.Warn("ready although not listed", "registrar", k.name, "after", d, "err", k.failure)
		}
	}
	m.showReady()
}
