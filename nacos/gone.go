// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Gone asks the open list of every node of Config.Servers whether it still lists the instance: what one node has shown
// us need not be what the others hand out. After a rolling restart of a cluster of three nodes of 2.5.1 other nodes
// listed instances for up to 89 s after their absence was confirmed by one. Ask it after Deregister, when settle is
// over.
//
// It returns nil when every list was read and none has us, or when nothing was published. An error names the nodes that
// list us; or, when none does, those whose list could not be read, and why: then its method Unproven returns true. Gone
// blocks until every node has answered, or Timeout, or ctx ends.
func (r *Registrar) Gone(ctx context.Context) error {
	r.mu.Lock()
	l := r.link
	r.mu.Unlock()
	if l == nil {
		return nil
	}
	var listing []string
	var errs []error
	nodes := l.ListEach(ctx, r.inst.Service, r.inst.Group)
	for _, node := range nodes {
		entries, _ := at(node.Instances, l.self)
		switch {
		case node.Err != nil:
			errs = append(errs, node.Err)
		case len(entries) > 0:
			listing = append(listing, node.Node)
		}
	}
	switch {
	case len(listing) > 0:
		return fmt.Errorf("nacos: %s is still listed by %s", r.what(), strings.Join(listing, " and "))
	case len(nodes) == 0:
		return unprovenError{errors.New("nacos: no nodes are known that could be asked: an address server is used")}
	case len(errs) > 0:
		return unprovenError{fmt.Errorf("nacos: not every node can be asked: %w", errors.Join(errs...))}
	}
	return nil
}

// unprovenError is what Gone returns where it cannot know.
type unprovenError struct{ error }

func (e unprovenError) Unwrap() error { return e.error }

// Unproven tells that nobody is known to list the instance, and that not everybody could be asked.
func (unprovenError) Unproven() bool { return true }
