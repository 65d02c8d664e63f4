// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Gone looks at every balancer once more after Deregister: it returns nil when each of them has the server out of
// service, and when nothing was registered. An error names those that send calls again, after a reload or because of an
// agent-check; or, when none does, those that do not answer: then its method Unproven returns true. It blocks until all
// have answered, or Timeout, or ctx ends.
func (r *Registrar) Gone(ctx context.Context) error {
	r.mu.Lock()
	unknown := r.listener == ""
	r.mu.Unlock()
	if unknown {
		return nil
	}
	ctx, end := r.untilClosed(ctx)
	defer end()
	var mu sync.Mutex
	var sending []string
	silent := r.each(func(b *balancer) error {
		s, found, err := r.look(ctx, b)
		if err != nil || !found || s.absent() {
			return err
		}
		reason := "after a reload"
		if s.hasAgent() {
			reason = "after a reload, or because of its agent-check"
		}
		mu.Lock()
		defer mu.Unlock()
		sending = append(sending, fmt.Sprintf("%s: %s is in service again, %s", b.name, r.what(s), reason))
		return nil
	})
	switch {
	case len(sending) > 0:
		return fmt.Errorf("haproxy: %s", strings.Join(sending, "; "))
	case silent != nil:
		return unprovenError{fmt.Errorf("haproxy: not every balancer answers: %w", silent)}
	}
	return nil
}
