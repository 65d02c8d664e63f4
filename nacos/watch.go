// SPDX-License-Identifier: Apache-2.0

package nacos

import "context"

// A told is what one Watch has told.
type told struct {
	answers uint64
	online  bool
}

// lacks tells that there is more to tell than what was told.
func (t told) lacks(m machine) bool {
	return m.state != stateClosed && (t.answers != m.answers || m.answers > 0 && t.online != m.online)
}

// Watch tells what an operator does to the instance: changed is called with false when one has switched it off, and
// with true when it is listed again. The first call says how it stands when Watch begins, or once Register has
// returned nil for the first time; after each further Register there is one call, too. All other absences, of which
// there are many, are not reported, and neither is our own Deregister.
//
// changed is called in order, from the goroutine of Watch, and what it was too slow for is skipped. Watch blocks until
// ctx ends and returns context.Cause(ctx), or ErrClosed after Close. An absence is reported when grace, probeWait and
// confirmWait have passed and neither registering again nor a second opinion has shown the instance. A Deregister waits
// until changed has returned, for absenceWait at the most: what an operator did before it is told before it returns.
func (r *Registrar) Watch(ctx context.Context, changed func(online bool)) error {
	t := &told{}
	r.mu.Lock()
	r.watches[t] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.watches, t)
		r.notify()
	}()
	for {
		r.mu.Lock()
		m, next := r.machine, r.changed
		r.mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if t.lacks(m) {
			changed(m.online)
			r.mu.Lock()
			t.answers, t.online = m.answers, m.online
			r.notify()
			r.mu.Unlock()
			continue
		}
		select {
		case <-next:
		case <-ctx.Done():
		case <-r.closing:
			return ErrClosed
		}
	}
}

// heard waits until every Watch has told what there is to tell.
func (r *Registrar) heard(ctx context.Context) {
	_, _ = r.until(ctx, r.t.absence, func() bool {
		for t := range r.watches {
			if t.lacks(r.machine) {
				return false
			}
		}
		return true
	})
}
