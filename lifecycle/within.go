// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"net/http"
)

// within tells that ctx is that of a call which the end of the servers waits for, as far as that can be seen: the one
// who waits for the end inside of it waits for itself.
func (m *Manager) within(ctx context.Context) bool {
	if c, ok := m.calls.(handler); ok && c.Handles(ctx) {
		return true
	}
	of, ok := ctx.Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return false
	}
	for _, s := range m.stopOrder() {
		if h, ok := s.(*httpServer); ok && h.Server == of {
			return true
		}
	}
	return false
}
