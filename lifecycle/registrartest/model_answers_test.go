// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"fmt"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// The methods that only answer.

func (r *modelRegistrar) Settle() time.Duration { return time.Second }
func (r *modelRegistrar) String() string        { return "model" }

func (r *modelRegistrar) Failure() (err error) {
	r.locked(func() { err = r.failing })
	return err
}

func (r *modelRegistrar) Published() (at string) {
	r.locked(func() {
		if r.known {
			at = r.addr.String()
		}
	})
	return at
}

func (r *modelRegistrar) Others() (others []lifecycle.Other) {
	r.locked(func() {
		others = []lifecycle.Other{} // the model's list is always known
		for _, o := range r.others {
			others = append(others, o)
		}
	})
	return others
}

func (r *modelRegistrar) Gone(ctx context.Context) error {
	listed := false
	if err := r.registry.request(ctx, func() { listed = r.registry.entries > 0 && !r.registry.held }); err != nil {
		return unproven{err}
	}
	if listed {
		return fmt.Errorf("model: %v is listed", r.addr)
	}
	return nil
}

type unproven struct{ error }

func (unproven) Unproven() bool { return true }
