// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"sync"
	"time"
)

func (r *Registrar) startKeeper() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isClosed() {
		r.keep.Do(func() { r.keeper.Go(r.keepLooking) })
	}
}

// keepLooking looks every second, until Close.
func (r *Registrar) keepLooking() {
	next := time.NewTicker(lookAgain)
	defer next.Stop()
	for {
		select {
		case <-r.closing:
			return
		case <-next.C:
			r.round()
		}
	}
}

// round does what the goal wants, unless a Register or a Deregister is under way, which looks by itself.
func (r *Registrar) round() {
	select {
	case r.turn <- struct{}{}:
		<-r.turn
	default:
		return
	}
	ctx, end, err := r.begin(context.Background(), ofRound)
	if err != nil {
		return
	}
	defer end()
	r.mu.Lock()
	goal := r.goal
	r.mu.Unlock()
	switch goal {
	case goalRegistered:
		r.survey(ctx)
	case goalWithdrawn:
		_ = r.each(func(b *balancer) error { r.keepOut(ctx, b); return nil })
	}
}

// survey looks at what operators have done to a registered server. A balancer that does not answer says nothing.
func (r *Registrar) survey(ctx context.Context) {
	var mu sync.Mutex
	var answered []*balancer
	_ = r.each(func(b *balancer) error {
		limited, cancel := context.WithTimeoutCause(ctx, lookAgain, errNoReply) // one that stands still holds up the others
		defer cancel()
		s, _, err := r.look(limited, b)
		if err == nil && s.admin&forcedDrain != 0 {
			_, err = r.takeBack(limited, b, s)
		}
		r.say(ctx, b, err)
		if err == nil {
			mu.Lock()
			defer mu.Unlock()
			answered = append(answered, b)
		}
		return nil
	})
	if ctx.Err() != nil { // who has not answered yet may say otherwise
		return
	}
	r.mu.Lock()
	change := r.judge(answered)
	r.mu.Unlock()
	r.sayChange(change)
}

// takeBack undoes a drain of ours that had no answer, and has come after all: it is not an operator's.
func (r *Registrar) takeBack(ctx context.Context, b *balancer, s server) (server, error) {
	r.mu.Lock()
	doubted := b.doubted
	r.mu.Unlock()
	if !doubted {
		return s, nil
	}
	r.log.Warn("haproxy: a drain of ours that had no answer has come late, undone", "balancer", b.name, "server", r.what(s))
	now, err := r.set(ctx, b, s, stateReady)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		b.doubted = false
	}
	return now, err
}

// keepOut drains again what has come back.
func (r *Registrar) keepOut(ctx context.Context, b *balancer) {
	limited, cancel := context.WithTimeoutCause(ctx, lookAgain, errNoReply)
	defer cancel()
	s, found, err := r.look(limited, b)
	if err == nil && found && !s.absent() {
		r.mu.Lock()
		b.published = true
		r.mu.Unlock()
		reason := "a reload, or an operator"
		if s.hasAgent() {
			reason = "a reload, an operator, or its agent-check"
		}
		r.log.Warn("haproxy: withdrawn, and in service again: drained again", "balancer", b.name, "server", r.what(s), "by", reason)
	}
	if err == nil {
		_, err = r.bringOut(limited, b, s, found)
	}
	r.say(ctx, b, err)
}

// say logs once that a balancer does not answer, and that it does again.
func (r *Registrar) say(ctx context.Context, b *balancer, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	r.mu.Lock()
	before := b.said
	b.said = text
	r.mu.Unlock()
	switch {
	case text == before:
	case err != nil:
		r.log.Warn("haproxy: a balancer cannot be asked", "balancer", b.name, "err", err)
	default:
		r.log.Info("haproxy: the balancer answers again", "balancer", b.name)
	}
}
