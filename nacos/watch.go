// SPDX-License-Identifier: Apache-2.0

package nacos

import "context"

// Watch tells what an operator does to the instance: changed is called with false when one has switched it off, and
// with true when it is listed again. The first call says how it stands when Watch begins, or once Register has
// returned nil for the first time; after each further Register there is one call, too. All other absences, of which
// there are many, are not reported, and neither is our own Deregister.
//
// changed is called in order, from the goroutine of Watch, and what it was too slow for is skipped. Watch blocks until
// ctx ends and returns context.Cause(ctx), or ErrClosed after Close. An absence is reported when grace, probeWait and
// confirmWait have passed and neither registering again nor a second opinion has shown the instance.
func (r *Registrar) Watch(ctx context.Context, changed func(online bool)) error {
	var told struct {
		answers uint64
		online  bool
	}
	for {
		r.mu.Lock()
		m, next := r.machine, r.changed
		r.mu.Unlock()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if (told.answers != m.answers || m.answers > 0 && told.online != m.online) && m.state != stateClosed {
			told.answers, told.online = m.answers, m.online
			changed(m.online)
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
