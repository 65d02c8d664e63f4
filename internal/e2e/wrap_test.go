// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/lifecycle"
)

var (
	_ lifecycle.Health = (*health.Server)(nil)
	_ lifecycle.Health = (*health.Wrapped)(nil)
)
