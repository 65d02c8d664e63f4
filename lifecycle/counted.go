// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"time"
)

// awaitCounted waits for calls that go on although all servers say that they have stopped: those behind x/net's
// h2c.NewHandler and on hijacked connections, which net/http does not know of any more (Go 1.26), and those of a server
// that is not ours and has the same Tracker. Nothing new is admitted. What is left when streams have to end is forced.
func (m *Manager) awaitCounted(ctx context.Context, o *offline) {
	if m.calls == nil || ctx.Err() != nil || m.idleNow() {
		return
	}
	m.calls.Refuse()
	by := o.plan.streamsBy(time.Now(), m.streamGrace)
	for !m.idleNow() {
		if !time.Now().Before(by) || !pause(ctx, earlier(time.Now().Add(idlePoll), by)) {
			o.left.Store(!m.idleNow())
			return
		}
	}
	pause(ctx, time.Now().Add(answerLead))
}

func (m *Manager) idleNow() bool {
	unary, streams := m.calls.InFlight()
	return unary+streams == 0
}
