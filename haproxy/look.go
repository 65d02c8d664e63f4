// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"fmt"
	"time"
)

// look reads how the balancer has the server, and remembers it. found is false where the balancer does not have it.
func (r *Registrar) look(ctx context.Context, b *balancer) (s server, found bool, err error) {
	reply, _, err := b.ask(ctx, "show servers state "+r.backend)
	if err != nil {
		return server{}, false, err
	}
	words, servers, err := readReply(reply, r.backend)
	if err == nil {
		err = refusal(words)
	}
	if err != nil {
		return server{}, false, err
	}
	return r.note(b, servers)
}

// set brings the server s to a state, and reads back in the same round trip.
func (r *Registrar) set(ctx context.Context, b *balancer, s server, state string) (server, error) {
	reply, sent, err := b.ask(ctx, fmt.Sprintf("set server %s/%s state %s; show servers state %s", r.backend, s.name, state, r.backend))
	r.mu.Lock()
	if state == stateDrain {
		b.drained, b.served, b.doubted, b.answered = true, false, sent && err != nil, time.Time{}
	}
	r.mu.Unlock()
	if err != nil {
		return server{}, err
	}
	words, servers, err := readReply(reply, r.backend)
	if refused := refusal(words); refused != nil {
		return server{}, refused
	}
	if err != nil {
		return server{}, err
	}
	now, found, err := r.note(b, servers)
	switch {
	case err != nil:
		return server{}, err
	case !found || now.name != s.name: // its slot was given to somebody else in between
		return server{}, fmt.Errorf("%s/%s is another server by now", r.backend, s.name)
	case state == stateReady:
		r.mu.Lock()
		b.drained, b.served = false, true
		r.mu.Unlock()
	}
	return now, nil
}

const (
	stateReady = "ready"
	stateDrain = "drain"
)

func (r *Registrar) note(b *balancer, servers []server) (s server, found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, found, err = r.place.seenFrom(b.onOurHost()).find(servers)
	if err != nil {
		return server{}, false, err
	}
	now := time.Now()
	b.shown, b.found = s, found
	b.others.update(servers, s, now)
	if b.answered.IsZero() {
		b.answered = now
	}
	b.doubted = b.doubted && now.Sub(b.answered) <= lateMost
	return s, found, nil
}

// what names the server at the balancer.
func (r *Registrar) what(s server) string { return r.backend + "/" + s.name }

// whatFor names what is looked for.
func (r *Registrar) whatFor() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.backend + "/" + r.place.String()
}
