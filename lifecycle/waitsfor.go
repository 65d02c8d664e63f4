// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "context"

// WaitsFor tells that ctx is that of a call which the end of the servers waits for, as far as that can be seen: with it
// Shutdown returns ErrFromHandler. It does not block and begins nothing.
func (m *Manager) WaitsFor(ctx context.Context) bool { return m.within(ctx) }
