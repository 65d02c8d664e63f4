// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Update changes what is published, also for every later registration. Zero weight means 1. It returns nil once the
// registry has accepted it, and at once while the instance is withdrawn or not registered yet.
//
// Accepted is not shown: where an operator has edited the instance, the registry goes on with the operator's weight
// and metadata, and r-nacos 0.8.5 keeps the first metadata. A difference is logged once.
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
	l, published := r.link, r.machine.state != idle && r.machine.state != withdrawn
	if l == nil || !published {
		r.mu.Unlock()
		return nil
	}
	l.self.Weight, l.self.Metadata = weight, maps.Clone(metadata)
	r.self = l.self
	l.updating = true
	r.mu.Unlock()
	if err := r.registerOn(ctx, l); err != nil {
		return fmt.Errorf("nacos: update %s: %w", r.inst.Service, err)
	}
	return nil
}

// A difference is what the registry shows other than we publish it.
type difference struct{ weight, metadata bool }

func differs(ours, shown sdk.Instance) difference {
	return difference{
		weight:   ours.Weight != shown.Weight,
		metadata: !maps.Equal(ours.Metadata, shown.Metadata),
	}
}

// compare logs once for each kind of difference; with the lock held. The first list after an Update may still show
// what was before.
func (r *Registrar) compare(l *link) {
	if l.updating {
		l.updating = false
		return
	}
	for _, shown := range l.view.entries {
		d := differs(l.self, shown)
		if d == r.told || r.machine.state == idle {
			continue
		}
		r.told = d
		if d != (difference{}) {
			r.log.Warn("nacos: the registry shows other values than ours: an operator has edited the instance, or another "+
				"client registers the same address", "ours", describe(l.self), "shown", describe(shown))
		}
	}
}

func sameHost(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	return errX == nil && errY == nil && x.Unmap() == y.Unmap()
}
