// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// The two packages do not know each other, so nothing else would tell that they have grown apart.
var _ interface {
	lifecycle.Calls
	Attached() bool
	Callers() []lifecycle.Caller
	Oldest(n int) ([]lifecycle.RPC, int)
} = (*interceptor.Tracker)(nil)
