// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"net"
	"time"
)

var registerMistakes = map[string]seeded{
	"Register returns before the instance is listed": {func(m *mistaken) {
		m.register = func(context.Context, net.Addr) error {
			m.later(100*time.Millisecond, m.add)
			return nil
		}
	}, []string{"Register returns once listed", andMore}},
	"Register ignores its context": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			return m.deaf(ctx, func(ctx context.Context) error { return m.modelRegistrar.Register(ctx, addr) })
		}
	}, []string{
		"Register ends with its context, registry frozen",
		"Register ends with its context, registry unreachable",
		"What answers at once does, registry frozen",
	}},
	"Register has a second entry each time, and Deregister removes one": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			before := m.registry.registered()
			err := m.modelRegistrar.Register(ctx, addr)
			m.registry.change(func() { m.registry.entries += before })
			return err
		}
		m.deregister = func(ctx context.Context) error {
			n := m.registry.registered()
			err := m.modelRegistrar.Deregister(ctx)
			m.locked(func() { m.flaws.letsReturn = true })
			m.registry.change(func() { m.registry.entries = max(n-1, 0) })
			return err
		}
	}, []string{
		"No goroutine is left",
		"Register again changes nothing",
		"Register for another listener",
		"Watch tells how it is held after each Register",
		"Withdrawn stays withdrawn",
		"Withdrawn stays withdrawn, whatever operators do",
	}},
	"Register that was given up goes on": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			err := m.modelRegistrar.Register(ctx, addr)
			if err != nil && ctx.Err() != nil {
				m.locked(func() { m.flaws.letsReturn = true })
				m.later(200*time.Millisecond, m.add)
			}
			return err
		}
	}, []string{
		"Register ends with its context, registry frozen",
		"Register ends with its context, registry unreachable",
		"Register that is given up, then Deregister",
		"Register with a context that has ended",
	}},
	"Register undoes an operator's offline": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			m.registry.change(func() { m.registry.held = false })
			return m.modelRegistrar.Register(ctx, addr)
		}
	}, []string{
		"Register leaves an operator's offline alone",
		"Watch tells of an offline from before",
	}},
	"Register is an error while an operator holds the instance": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			err := m.modelRegistrar.Register(ctx, addr)
			if m.registry.holds() {
				err = errors.New("not listed")
			}
			return err
		}
	}, []string{
		"Register after an operator's offline",
		"Register leaves an operator's offline alone",
		"Watch tells of an offline from before",
	}},
	"Register for another listener takes the instance away": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			err := m.modelRegistrar.Register(ctx, addr)
			if err != nil && errors.Is(err, errInUse) {
				_ = m.modelRegistrar.Deregister(ctx)
			}
			return err
		}
	}, []string{"Register for another listener"}},
	"Register that is refused says nothing": {func(m *mistaken) {
		m.register = func(ctx context.Context, addr net.Addr) error {
			err := m.modelRegistrar.Register(ctx, addr)
			if errors.Is(err, errRefused) {
				err = nil
			}
			return err
		}
	}, []string{"Register that is refused"}},
}
