// SPDX-License-Identifier: Apache-2.0

package interceptor

// Abandoned returns how many handlers are still running although EndStreams or AbandonCalls has answered for them.
func (t *Tracker) Abandoned() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.abandoned
}
