// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Update changes what is published, also for every later registration. Zero weight means 1. It blocks until the
// registry shows the new values, for absenceWait at the most, and returns at once while the instance is withdrawn or
// not registered yet.
//
// Nil means that the registry has accepted them, not that it shows them: where an operator has edited the instance it
// goes on with the operator's weight and metadata, and r-nacos 0.8.5 keeps the first metadata. A difference is logged
// once.
func (r *Registrar) Update(ctx context.Context, metadata map[string]string, weight float64) error {
	if weight == 0 {
		weight = 1
	}
	if err := errors.Join(checkWeight(weight), checkMetadata(metadata)); err != nil {
		return fmt.Errorf("nacos: update %s: %w", r.inst.Service, err)
	}
	ctx, end, err := r.begin(ctx, true)
	if err != nil {
		return fmt.Errorf("nacos: update %s: %w", r.inst.Service, err)
	}
	defer end()
	r.mu.Lock()
	r.inst.Weight, r.inst.Metadata = weight, maps.Clone(metadata)
	l, published := r.link, isPublished(r.machine.state)
	r.self.Weight, r.self.Metadata = weight, maps.Clone(metadata)
	if l == nil || !published {
		r.mu.Unlock()
		return nil
	}
	l.self = r.self
	l.updating = true
	r.mu.Unlock()
	err = r.registerOn(ctx, l)
	if err == nil {
		_, err = r.until(ctx, r.t.absence, func() bool { return !l.view.listed || l.agrees() })
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l.updating = false
	if err != nil {
		return fmt.Errorf("nacos: update %s: %w", r.inst.Service, err)
	}
	r.compare(l)
	return nil
}

func isPublished(s state) bool {
	return s != stateIdle && s != stateRegistering && s != stateWithdrawn
}

// agrees tells that the registry shows what we publish.
func (l *link) agrees() bool {
	return !slices.ContainsFunc(l.view.entries, func(e sdk.Instance) bool { return differs(l.self, e) != (difference{}) })
}

// compare logs once for each kind of difference; with the lock held.
func (r *Registrar) compare(l *link) {
	if l.updating || r.machine.state == stateIdle || r.machine.state == stateRegistering {
		return
	}
	var d difference
	for _, shown := range l.view.entries {
		one := differs(l.self, shown)
		d = difference{d.weight || one.weight, d.metadata || one.metadata, d.weightless || one.weightless}
	}
	if d.weightless && !r.logged.weightless {
		r.log.Warn("nacos: an operator has set the weight to 0: consumers that honour weights send nothing; that is no offline, "+
			"and nothing drains", "shown", describeAll(l.view.entries))
	} else if d != r.logged && d != (difference{}) {
		r.log.Warn("nacos: the registry shows other values than ours: an operator has edited the instance, or another "+
			"client registers the same address", "ours", describe(l.self), "shown", describeAll(l.view.entries))
	}
	r.logged = d
}
