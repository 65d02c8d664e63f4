// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"log/slog"
	"time"
)

const watchAgain = time.Second // after a Watch that ended by itself

// watch listens to what operators do at one registrar, until ctx ends.
func (m *Manager) watch(ctx context.Context, k *reconciler) {
	w, ok := k.registrar.(watcher)
	if !ok || k.awaitRegistered(ctx) != nil {
		return
	}
	for ctx.Err() == nil {
		err := k.call("Watch", func() error {
			return w.Watch(ctx, func(online bool) { m.operator(ctx, k, online) })
		})
		if ctx.Err() != nil {
			return
		}
		m.log.Warn("operators are not watched, will try again", "registrar", k.name, "err", err, "in", watchAgain)
		select {
		case <-ctx.Done():
		case <-time.After(watchAgain):
		}
	}
}

// operator acts on what an operator did at one registrar. Only an offline at all of them drains the instance: while
// one still lists it, it is there to be called.
func (m *Manager) operator(ctx context.Context, k *reconciler, online bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	matters, atStart := k.hold(!online)
	if !matters || m.shutdown != nil {
		return
	}
	everywhere := true
	for _, other := range m.reconcilers {
		everywhere = everywhere && other.isHeld()
	}
	level := slog.LevelInfo
	if online && atStart { // nobody has done anything
		level = slog.LevelDebug
	}
	m.log.Log(ctx, level, "operator", "registrar", k.name, "online", online, "offline_everywhere", everywhere, "found_at_start", atStart)
	var e causeEvent
	switch {
	case online:
		e = eventReleased
	case everywhere && m.registryOffline == Exit && !atStart:
		e = eventHeldExit
	case everywhere:
		e = eventHeld
	}
	switch m.causes.on(e) {
	case doDrain:
		m.beginDrain(ctx, triggerHand, kindDrain)
	case doPark:
		m.beginDrain(ctx, triggerOperator, kindPark)
	case doServe:
		m.undo()
	case doStop:
		m.stop(ctx, triggerOperator, kindExit)
	}
}

const triggerOperator = "operator offline"
