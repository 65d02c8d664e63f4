// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

const (
	adminGrace = 100 * time.Millisecond // what a request to a server of WithAdmin has at the very end
	adminStop  = 50 * time.Millisecond  // for Stop, and then for Serve to return
)

// checkAdmins tells what is wrong with WithAdmin.
func (m *Manager) checkAdmins() error {
	for i, a := range m.admins {
		if slices.ContainsFunc(m.stopOrder(), func(s Server) bool { return same(underlying(s), underlying(a.server)) }) {
			return fmt.Errorf("lifecycle: WithAdmin: server %d is also given to New or WithServer", i+1)
		}
	}
	return nil
}

// underlying is what HTTPServer was given: it may have been given it twice.
func underlying(s Server) any {
	if h, ok := s.(*httpServer); ok {
		return h.Server
	}
	return s
}

// serveAdmins serves them until they are stopped.
func (m *Manager) serveAdmins() {
	for _, a := range m.admins {
		for _, l := range a.listeners {
			m.adminsServing.Go(func() {
				if err := a.server.Serve(l); err != nil {
					m.log.Error("an admin server does not serve any more", "addr", l.Addr().String(), "err", err)
				}
			})
		}
	}
}

// stopAdmins stops them after everything else, so that who asks hears of the end. It does not wait for long.
func (m *Manager) stopAdmins(o *offline) {
	defer close(o.adminsStopped)
	var stopping sync.WaitGroup
	for n, a := range m.admins {
		stopping.Go(func() {
			if !within(adminGrace, a.server.GracefulStop) && !within(adminStop, a.server.Stop) {
				o.abandon(fmt.Sprintf("Stop of admin server %d", n+1))
			}
		})
	}
	stopping.Wait()
	if !within(adminStop, m.adminsServing.Wait) {
		o.abandon("Serve of an admin server")
	}
}

func (m *Manager) adminListeners() (all []net.Listener) {
	for _, a := range m.admins {
		all = append(all, a.listeners...)
	}
	return all
}
