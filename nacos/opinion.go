// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// openList reads what the registry lists under our address by the open list over HTTP, past the subscription.
func (r *Registrar) openList(ctx context.Context, l *link) (entries []sdk.Instance, listed bool, err error) {
	list, err := l.List(ctx, r.inst.Service, r.inst.Group)
	if err != nil {
		r.log.Debug("nacos: no second opinion by the open list", "err", err)
		return nil, false, err
	}
	entries, listed = at(list, l.self)
	return entries, listed, nil
}

// An opinion is what somebody else says of whether the registry lists us: eventThere, eventNotThere, eventUnheld when
// it does not even hold us, eventNoOpinion, or eventDenied when our login is not known any more.
type opinion struct {
	event
	fresh *link // a new connection whose subscription shows us, for whoever wants to go on with it
	err   error // why there is none
}

// ask is the second opinion: whether the registry lists us, seen by another way than the subscription of l, which may
// have been lost.
//
// The open list decides. Where nobody answers it and thorough is set, a new connection is made, which logs in anew, and
// what its subscription shows decides. Only without thorough it is said that our login was denied.
func (r *Registrar) ask(ctx context.Context, l *link, thorough bool) opinion {
	_, listed, err := r.openList(ctx, l)
	switch {
	case err == nil && !listed && thorough:
		if held, known := l.Held(ctx, r.inst.Service, r.inst.Group, l.self); known && !held {
			return opinion{event: eventUnheld}
		}
		return opinion{event: eventNotThere}
	case err == nil:
		return opinion{event: verdict(listed)}
	case ctx.Err() != nil:
		return opinion{event: eventNoOpinion, err: err}
	case !thorough && errors.Is(err, ErrRefused):
		return opinion{event: eventDenied, err: err}
	case !thorough:
		return opinion{event: eventNoOpinion, err: err}
	}
	o := r.askFresh(ctx, l)
	if o.err != nil {
		o.err = errors.Join(err, o.err)
	}
	return o
}

// askFresh asks the subscription of a new connection.
func (r *Registrar) askFresh(ctx context.Context, l *link) opinion {
	fresh, err := r.open(ctx, l.self)
	if err != nil {
		r.discard(fresh)
		return opinion{event: eventNoOpinion, err: err}
	}
	r.mu.Lock()
	listed := fresh.view.listed
	r.mu.Unlock()
	if listed {
		return opinion{event: eventThere, fresh: fresh}
	}
	r.discard(fresh)
	return opinion{event: eventNotThere}
}

func verdict(listed bool) event {
	if listed {
		return eventThere
	}
	return eventNotThere
}
