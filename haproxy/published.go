// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"fmt"
	"strings"
)

// Published returns by which servers the balancers may send calls, with their weights: "grpc/s1 weight=1 at
// unix:/run/haproxy/admin.sock". It is empty when nothing was registered since the last confirmed absence. It returns
// at once. A weight of zero is an operator's, and no offline: it ends by itself, and nothing drains.
func (r *Registrar) Published() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var places []string
	for _, b := range r.balancers {
		switch {
		case !b.published:
		case b.found:
			text := fmt.Sprintf("%s weight=%d at %s", r.what(b.shown), b.shown.weight, b.name)
			if !b.shown.up() {
				text += " (" + b.shown.why() + ")"
			}
			places = append(places, text)
		default:
			places = append(places, fmt.Sprintf("%s/%s at %s (not seen)", r.backend, r.place, b.name))
		}
	}
	return strings.Join(places, ", ")
}
