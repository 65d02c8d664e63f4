// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
)

var closeMistakes = map[string]seeded{
	"New leaks a goroutine": {func(m *mistaken) {
		go func() { <-m.registry.end }()
	}, []string{
		"No goroutine is left",
		"No goroutine is left, closed without Deregister",
		"No goroutine is left, registry frozen",
	}},
	"Close leaks a goroutine": {func(m *mistaken) {
		m.close = func() error {
			go func() { <-m.registry.end }()
			return m.modelRegistrar.Close()
		}
	}, []string{
		"No goroutine is left",
		"No goroutine is left, closed without Deregister",
		"No goroutine is left, registry frozen",
	}},
	"Close panics during another method": {func(m *mistaken) {
		m.close = func() error {
			if m.busy.Load() > 0 {
				panic("in use")
			}
			return m.modelRegistrar.Close()
		}
	}, []string{
		"Close during Deregister",
		"Close during Deregister, registry frozen",
		"Close during Register",
		"Close during Register, registry frozen",
	}},
	"Close waits for what is under way": {func(m *mistaken) {
		m.close = func() error {
			select {
			case m.turn <- struct{}{}:
				<-m.turn
			case <-m.registry.end:
			}
			return m.modelRegistrar.Close()
		}
	}, []string{
		"Close during Deregister, registry frozen",
		"Close during Register, registry frozen",
	}},
	"Close brings the instance back": {func(m *mistaken) {
		m.close = func() error {
			defer m.add()
			return m.modelRegistrar.Close()
		}
	}, []string{"Close does not bring the instance back"}},
	"Close before Register fails": {func(m *mistaken) {
		m.close = func() error {
			known := false
			m.locked(func() { known = m.addr != nil })
			err := m.modelRegistrar.Close()
			if !known {
				err = errors.New("not open")
			}
			return err
		}
	}, []string{"Close before anything"}},
	"Close ends with Watch saying offline": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			err := m.modelRegistrar.Watch(ctx, changed)
			if m.isClosed() {
				changed(false)
			}
			return err
		}
	}, []string{"Close during Watch"}},
}
