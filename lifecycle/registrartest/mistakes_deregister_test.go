// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"time"
)

var deregisterMistakes = map[string]seeded{
	"Deregister returns nil before the instance is absent": {func(m *mistaken) {
		m.deregister = func(context.Context) error {
			m.locked(func() { m.goal, m.known = withdrawn, false })
			m.later(100*time.Millisecond, m.remove)
			return nil
		}
	}, []string{"Deregister returns once absent", andMore}},
	"Deregister ignores its context": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error { return m.deaf(ctx, m.modelRegistrar.Deregister) }
	}, []string{
		"Deregister ends with its context, registry frozen",
		"No goroutine is left, registry frozen",
		"Published after a Deregister that was given up, registry frozen",
		"What answers at once does, registry frozen",
	}},
	"second Deregister fails": {func(m *mistaken) {
		done := false
		m.deregister = func(ctx context.Context) error {
			if done && m.registry.registered() == 0 {
				return errors.New("not registered")
			}
			err := m.modelRegistrar.Deregister(ctx)
			done = err == nil
			return err
		}
	}, []string{"Deregister again", "Register that is given up, then Deregister"}},
	"Deregister without a Register fails": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			known := false
			m.locked(func() { known = m.addr != nil })
			if !known {
				return errors.New("no Register")
			}
			return m.modelRegistrar.Deregister(ctx)
		}
	}, []string{"Deregister without a Register", "Register with a context that has ended", andMore}},
	"Deregister that was given up goes on": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			err := m.modelRegistrar.Deregister(ctx)
			if err != nil && ctx.Err() != nil {
				m.locked(func() { m.flaws.forgets = true })
				m.later(600*time.Millisecond, m.remove)
			}
			return err
		}
	}, []string{"Deregister that is given up, then Register"}},
	"Deregister returns nil while the registry is away": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			err := m.modelRegistrar.Deregister(ctx)
			if errors.Is(err, errUnreachable) {
				err = nil
			}
			return err
		}
	}, []string{"Deregister ends with its context, registry unreachable"}},
	"Deregister returns nil when its time is over": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			err := m.modelRegistrar.Deregister(ctx)
			if ctx.Err() != nil {
				err = nil
			}
			return err
		}
	}, []string{
		"Deregister ends with its context, registry frozen",
		"Deregister with a context that has ended",
	}},
	"Deregister says that it was refused when nobody has answered": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			if err := m.modelRegistrar.Deregister(ctx); err != nil {
				return refused{err}
			}
			return nil
		}
	}, []string{"Deregister ends with its context, registry frozen"}},
	"Deregister that is refused returns nil": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			err := m.modelRegistrar.Deregister(ctx)
			if errors.Is(err, errRefused) {
				err = nil
			}
			return err
		}
	}, []string{"Deregister that is refused"}},
	"Deregister fails while an operator holds the instance": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			if m.registry.registered() > 0 && m.registry.holds() {
				return errors.New("held")
			}
			return m.modelRegistrar.Deregister(ctx)
		}
	}, []string{"Deregister while an operator holds it", "Register after an operator's offline"}},
	"comes back by itself after Deregister": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			err := m.modelRegistrar.Deregister(ctx)
			if err == nil {
				m.locked(func() { m.flaws.letsReturn = true })
				m.later(300*time.Millisecond, m.add)
			}
			return err
		}
	}, []string{
		"Deregister again",
		"Deregister ends with its context, registry frozen",
		"Deregister ends with its context, registry unreachable",
		"Deregister returns once absent",
		"Register again changes nothing",
		"Register and Deregister in turn",
		"Register ends with its context, registry frozen",
		"Register ends with its context, registry unreachable",
		"Register that is given up, then Deregister",
		"Register with a context that has ended",
		"Withdrawn stays withdrawn",
		"Withdrawn stays withdrawn, whatever operators do",
	}},
	"what is withdrawn may come back": {func(m *mistaken) { m.flaws.letsReturn = true }, []string{"Withdrawn stays withdrawn", "Withdrawn stays withdrawn, whatever operators do"}},
}

type refused struct{ error }

func (refused) Refused() bool { return true }
