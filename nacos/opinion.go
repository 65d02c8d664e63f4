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

// ask is the second opinion: whether the registry lists us, seen by another way than the subscription of l, which a
// forged datagram or a registry's clock that was set back can break for good. It answers eventThere, eventNotThere,
// eventNoOpinion, or, unless thorough, eventDenied when our login is not known any more.
//
// The open list decides. Where nobody answers it and thorough is set, a new connection is made, which logs in anew, and
// what its subscription shows decides. If that shows us, it is handed back, for whoever wants to go on with it; it may be
// nil.
func (r *Registrar) ask(ctx context.Context, l *link, thorough bool) (event, *link) {
	_, listed, err := r.openList(ctx, l)
	if err == nil {
		return verdict(listed), nil
	}
	switch {
	case ctx.Err() != nil:
		return eventNoOpinion, nil
	case !thorough && errors.Is(err, ErrRefused):
		return eventDenied, nil
	case !thorough:
		return eventNoOpinion, nil
	}
	fresh, err := r.open(ctx, l.self)
	if err != nil {
		r.log.Debug("nacos: no second opinion by a new connection", "err", err)
		r.discard(fresh)
		return eventNoOpinion, nil
	}
	r.mu.Lock()
	listed = fresh.view.listed
	r.mu.Unlock()
	if listed {
		return eventThere, fresh
	}
	r.discard(fresh)
	return eventNotThere, nil
}

func verdict(listed bool) event {
	if listed {
		return eventThere
	}
	return eventNotThere
}
