// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Published returns under what address consumers may know the instance, with which weight and metadata keys, as the
// registry shows them: "10.0.0.7:9090 weight=1 metadata=zone". It is empty when nothing was published since the last
// confirmed absence. It returns at once.
//
// A weight of zero is an operator's, and no offline: the instance stays in every list, consumers that ignore weights
// call it, and those that honour them come back when the weight does. So nothing drains, and readiness stays.
func (r *Registrar) Published() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.link
	if !r.leftover && (l == nil || !l.mayBePublished()) {
		return ""
	}
	shown := r.self
	if l != nil {
		for _, e := range l.view.entries {
			if sameCluster(e, l.self) {
				shown = e
			}
		}
	}
	text := fmt.Sprintf("%s weight=%v", hostPort(r.self), shown.Weight)
	if shown.Weight <= 0 {
		text += " (an operator's: consumers that honour weights send nothing)"
	}
	if len(shown.Metadata) > 0 {
		text += " metadata=" + strings.Join(slices.Sorted(maps.Keys(shown.Metadata)), ",")
	}
	return text
}
