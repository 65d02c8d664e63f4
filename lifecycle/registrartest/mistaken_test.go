// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"net"
	"sync/atomic"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// flaws are the mistakes inside a modelRegistrar.
type flaws struct {
	forgets          bool // a lost registration stays lost
	letsReturn       bool // what is withdrawn may come back
	tellsLatestFirst bool
	tellsLate        bool // Deregister does not wait for Watch
	tellsAlways      bool // also of what operators do after Deregister
	tellsOutages     bool
	losesAges        bool
}

// A mistaken is a modelRegistrar some of whose methods are wrong.
type mistaken struct {
	*modelRegistrar
	busy       atomic.Int32 // so many Registers and Deregisters have not returned
	register   func(context.Context, net.Addr) error
	deregister func(context.Context) error
	watch      func(context.Context, func(bool)) error
	settle     func() time.Duration
	others     func() []lifecycle.Other
	gone       func(context.Context) error
	published  func() string
	failure    func() error
	name       func() string
	close      func() error
}

func (m *mistaken) Register(ctx context.Context, addr net.Addr) error {
	m.busy.Add(1)
	defer m.busy.Add(-1)
	if m.register != nil {
		return m.register(ctx, addr)
	}
	return m.modelRegistrar.Register(ctx, addr)
}

func (m *mistaken) Deregister(ctx context.Context) error {
	m.busy.Add(1)
	defer m.busy.Add(-1)
	if m.deregister != nil {
		return m.deregister(ctx)
	}
	return m.modelRegistrar.Deregister(ctx)
}

func (m *mistaken) Watch(ctx context.Context, changed func(bool)) error {
	if m.watch != nil {
		return m.watch(ctx, changed)
	}
	return m.modelRegistrar.Watch(ctx, changed)
}

func (m *mistaken) Settle() time.Duration { return or(m.settle, m.modelRegistrar.Settle) }

func (m *mistaken) Others() []lifecycle.Other { return or(m.others, m.modelRegistrar.Others) }

func (m *mistaken) Published() string { return or(m.published, m.modelRegistrar.Published) }

func (m *mistaken) Failure() error { return or(m.failure, m.modelRegistrar.Failure) }

func (m *mistaken) String() string { return or(m.name, m.modelRegistrar.String) }

func (m *mistaken) Close() error { return or(m.close, m.modelRegistrar.Close) }

func (m *mistaken) Gone(ctx context.Context) error {
	if m.gone != nil {
		return m.gone(ctx)
	}
	return m.modelRegistrar.Gone(ctx)
}

func or[T any](f, otherwise func() T) T {
	if f != nil {
		return f()
	}
	return otherwise()
}
