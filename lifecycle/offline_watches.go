// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"slices"
	"time"
)

// successorLook passes between two looks of a drained instance at whether somebody else is listed.
const successorLook = time.Second

// tellWatches makes health Watches say NOT_SERVING once settle is over, where no GOAWAY will move their clients. While
// nobody else is listed it does not: a client that knows no other address would fail all its calls, and this server
// answers them. In a drain that stays it goes on looking.
func (m *Manager) tellWatches(ctx context.Context, o *offline) error {
	switch {
	case m.health == nil || m.healthNotice == AtTrigger || !o.kind.stays() && m.healthNotice != AtSettled:
		return errSkipped
	case m.shutWatches(ctx, o):
		return nil
	case o.kind.stays():
		m.work.Go(func() {
			for pause(ctx, time.Now().Add(successorLook)) && !m.shutWatches(ctx, o) {
			}
		})
	}
	return errSkipped
}

// shutWatches reports whether Watches say NOT_SERVING now, or must not any more.
func (m *Manager) shutWatches(ctx context.Context, o *offline) bool {
	if slices.ContainsFunc(m.reconcilers, isAlone) {
		return false
	}
	m.change(ctx, o, func(*offline) bool {
		m.health.Shutdown()
		return true
	})
	return true
}

func isAlone(k *reconciler) bool {
	r, ok := k.registrar.(otherser)
	return ok && len(usable(r)) == 0
}
