// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"net"
	"slices"
	"sync"
)

// adminGrace is what a request to a server of WithAdmin has at the very end.
const adminGrace = lastWait / 2

// checkAdmins tells what is wrong with WithAdmin.
func (m *Manager) checkAdmins() error {
	for i, a := range m.admins {
		if slices.ContainsFunc(m.stopOrder(), func(s Server) bool { return same(s, a.server) }) {
			return fmt.Errorf("lifecycle: WithAdmin: server %d is also given to New or WithServer", i+1)
		}
	}
	return nil
}

// serveAdmins serves them until they are stopped.
func (m *Manager) serveAdmins(serving *sync.WaitGroup) {
	for _, a := range m.admins {
		for _, l := range a.listeners {
			serving.Go(func() {
				if err := a.server.Serve(l); err != nil {
					m.log.Error("an admin server does not serve any more", "addr", l.Addr().String(), "err", err)
				}
			})
		}
	}
}

// stopAdmins stops them after everything else, so that who asks hears of the end. It does not wait for long.
func (m *Manager) stopAdmins() {
	var stopping sync.WaitGroup
	for _, a := range m.admins {
		stopping.Go(func() {
			if !within(adminGrace, a.server.GracefulStop) {
				within(adminGrace, a.server.Stop)
			}
		})
	}
	stopping.Wait()
}

func (m *Manager) adminListeners() (all []net.Listener) {
	for _, a := range m.admins {
		all = append(all, a.listeners...)
	}
	return all
}
