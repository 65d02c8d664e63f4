// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// watchSelf does what the machine wants done, from the first connection to Close.
func (r *Registrar) watchSelf() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var armed uint64
	for {
		r.mu.Lock()
		m, changed := r.machine, r.changed
		r.mu.Unlock()
		if m.state == stateRegistering {
			m.todo = doNothing
		}
		if m.revision != armed && m.todo == doAwait {
			armed = m.revision
			wait := m.wait
			if m.state != stateProbing { // what follows is not for everybody at once
				wait = r.jitter(wait)
			}
			timer.Reset(wait)
		}
		switch m.todo {
		case doNothing:
			select {
			case <-changed:
			case <-r.closing:
				return
			}
		case doAwait:
			select {
			case <-changed:
			case <-timer.C:
				r.feed(m.revision, eventTimeout)
			case <-r.closing:
				return
			}
		default:
			e, ok := r.perform(m)
			if !ok {
				return
			}
			r.feed(m.revision, e)
		}
	}
}

// perform does one todo when it is its turn; ok is false once the Registrar is closed. Whoever has the turn before
// may have changed what is wanted.
func (r *Registrar) perform(m machine) (_ event, ok bool) {
	ctx, end, err := r.begin(context.Background(), true)
	if err != nil {
		return "", false
	}
	defer end()
	r.mu.Lock()
	l, wanted := r.link, r.machine.revision == m.revision
	r.mu.Unlock()
	if !wanted {
		return "", true
	}
	if l == nil {
		if m.todo == doWithdraw {
			return eventWithdrew, true // it went with the connection
		}
		return r.replace(ctx), true
	}
	switch m.todo {
	case doRegister:
		return r.probe(ctx, l), true
	case doAsk, doAskList:
		return r.heed(ctx, m, l, r.ask(ctx, l, m.todo == doAsk)), true
	case doAskFresh:
		o := r.askFresh(ctx, l)
		r.discard(o.fresh)
		return o.event, true
	case doReplace:
		return r.replace(ctx), true
	case doWithdraw:
		err := l.Deregister(ctx, r.inst.Service, r.inst.Group, l.self)
		level := slog.LevelWarn
		if m.insists { // somebody else's, it seems, and said once
			level = slog.LevelDebug
		}
		r.log.Log(ctx, level, "nacos: listed although withdrawn, withdrew again", "entries", r.entries(l), "err", err)
		if err != nil {
			return eventFailed, true
		}
		return eventWithdrew, true
	}
	return eventFailed, true
}

// probe registers again. The registry pushes that to every subscriber (alibaba/nacos#14027), so there is one for an
// absence.
func (r *Registrar) probe(ctx context.Context, l *link) event {
	r.mu.Lock()
	r.probes++
	number, gone := r.probes, l.view.gone
	r.mu.Unlock()
	r.log.Info("nacos: absent from the list, registering again", "absent", time.Since(gone).Round(time.Millisecond), "probe", number)
	err := r.registerOn(ctx, l)
	if err == nil {
		return eventAccepted
	}
	r.log.Warn("nacos: absent, and registering again failed", "err", err)
	if errors.Is(err, ErrRefused) {
		return eventDenied
	}
	return eventFailed
}

// replace makes a new connection and goes on with it.
func (r *Registrar) replace(ctx context.Context) event {
	r.mu.Lock()
	self := r.self
	r.mu.Unlock()
	fresh, err := r.open(ctx, self)
	if err != nil {
		r.log.Warn("nacos: no new connection", "err", err)
		r.discard(fresh)
		return eventFailed
	}
	return r.handOver(ctx, fresh)
}

// heed makes an event of a second opinion.
func (r *Registrar) heed(ctx context.Context, m machine, l *link, o opinion) event {
	shown := r.shown(l)
	switch {
	case m.state == stateOffline && shown: // it was asked about what our view shows
		if o.event == eventNoOpinion {
			r.log.Warn("nacos: our subscription lists us again, and nobody else can be asked: staying offline by operator", "err", o.err)
		}
		r.discard(o.fresh)
	case o.fresh != nil:
		return r.handOver(ctx, o.fresh)
	case o.event == eventThere && m.state == stateProbing && shown:
		return eventListed
	case o.event == eventNoOpinion:
		r.log.Debug("nacos: no second opinion", "err", o.err)
	}
	return o.event
}

// shown tells that our own subscription shows us too.
func (r *Registrar) shown(l *link) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return l.view.shows()
}

// succeed registers on a new connection and goes on with it. The old one ends after that, so the instance stays
// listed throughout.
func (r *Registrar) handOver(ctx context.Context, fresh *link) event {
	if err := r.registerOn(ctx, fresh); err != nil {
		r.log.Warn("nacos: the new connection does not register", "err", err)
		r.discard(fresh)
		return eventFailed
	}
	r.adopt(fresh)
	r.mu.Lock()
	r.leftover = false
	r.mu.Unlock()
	return eventReplaced
}
