// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"fmt"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// The optional methods of a Registrar, as lifecycle looks for them.
type (
	settler interface{ Settle() time.Duration }
	watcher interface {
		Watch(context.Context, func(bool)) error
	}
	otherser  interface{ Others() []lifecycle.Other }
	closer    interface{ Close() error }
	prover    interface{ Gone(context.Context) error }
	failing   interface{ Failure() error }
	publisher interface{ Published() string }
)

func implements[T any](r any) bool {
	_, ok := r.(T)
	return ok
}

// methods tell whether a Registrar has them.
var methods = map[string]func(any) bool{
	"Settle":    implements[settler],
	"Watch":     implements[watcher],
	"Others":    implements[otherser],
	"Close":     implements[closer],
	"Gone":      implements[prover],
	"Failure":   implements[failing],
	"Published": implements[publisher],
	"String":    implements[fmt.Stringer],
}
