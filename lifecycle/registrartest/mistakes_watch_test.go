// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"time"
)

var watchMistakes = map[string]seeded{
	"Watch returns at once": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			changed(!m.registry.holds())
			return nil
		}
	}, []string{
		"Watch blocks until its context ends",
		"Watch does not tell of Deregister",
		"Watch does not tell of a broken connection",
		"Watch does not tell of a frozen registry",
		"Watch does not tell of a lost registration",
		"Watch does not tell of an outage",
		"Watch tells before Deregister returns",
		"Watch tells how it is held after each Register",
		"Watch tells in order, one at a time",
		"Watch tells of an offline from before",
		"Watch tells offline and online",
	}},
	"Watch ignores its context": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			return m.deaf(ctx, func(ctx context.Context) error { return m.modelRegistrar.Watch(ctx, changed) })
		}
	}, []string{
		"No goroutine is left",
		"Watch blocks until its context ends",
		"Watch does not tell of Deregister",
		"Watch does not tell of a broken connection",
		"Watch does not tell of a frozen registry",
		"Watch does not tell of a lost registration",
		"Watch does not tell of an outage",
		"Watch does not tell of what operators do after Deregister",
		"Watch tells before Deregister returns",
		"Watch tells how it is held after each Register",
		"Watch tells in order, one at a time",
		"Watch tells of an offline from before",
		"Watch tells offline and online",
	}},
	"Watch tells nothing when it begins": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			first := true
			return m.modelRegistrar.Watch(ctx, func(online bool) {
				if !first {
					changed(online)
				}
				first = false
			})
		}
	}, []string{
		"Close during Watch",
		"Watch blocks until its context ends",
		"Watch does not tell of Deregister",
		"Watch does not tell of a broken connection",
		"Watch does not tell of a frozen registry",
		"Watch does not tell of a lost registration",
		"Watch does not tell of an outage",
		"Watch does not tell of what operators do after Deregister",
		"Watch tells before Deregister returns",
		"Watch tells how it is held after each Register",
		"Watch tells in order, one at a time",
		"Watch tells of an offline from before",
		"Watch tells offline and online",
	}},
	"Watch tells changes only": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			first, last := true, false
			return m.modelRegistrar.Watch(ctx, func(online bool) {
				if first || online != last {
					changed(online)
				}
				first, last = false, online
			})
		}
	}, []string{
		"Watch does not tell of Deregister",
		"Watch does not tell of a broken connection",
		"Watch does not tell of a frozen registry",
		"Watch does not tell of a lost registration",
		"Watch does not tell of an outage",
		"Watch tells how it is held after each Register",
		"Watch tells of an offline from before",
	}},
	"Watch says that it begins online": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			first := true
			return m.modelRegistrar.Watch(ctx, func(online bool) {
				changed(online || first)
				first = false
			})
		}
	}, []string{"Watch tells of an offline from before"}},
	"Watch tells the latest first": {func(m *mistaken) { m.flaws.tellsLatestFirst = true }, []string{"Watch tells in order, one at a time"}},
	"Watch tells by several goroutines": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			return m.modelRegistrar.Watch(ctx, func(online bool) { go changed(online) })
		}
	}, []string{"Watch tells before Deregister returns", "Watch tells in order, one at a time", andMore}},
	"Watch tells of an outage": {func(m *mistaken) { m.flaws.tellsOutages = true }, []string{"Watch does not tell of a broken connection", "Watch does not tell of an outage"}},
	"Watch tells every absence": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			last := false
			for ctx.Err() == nil && !m.isClosed() {
				if now := m.registry.listed(); now != last {
					changed(now)
					last = now
				}
				_ = wait(ctx, 2*time.Millisecond)
			}
			return nil
		}
	}, []string{
		"Watch does not tell of Deregister",
		"Watch does not tell of a broken connection",
		"Watch does not tell of a frozen registry",
		"Watch does not tell of a lost registration",
		"Watch does not tell of an outage",
		"Watch does not tell of what operators do after Deregister",
		"Watch tells before Deregister returns",
		"Watch tells how it is held after each Register",
		"Watch tells of an offline from before",
	}},
	"Watch tells after Deregister has returned":      {func(m *mistaken) { m.flaws.tellsLate = true }, []string{"Watch tells before Deregister returns"}},
	"Watch tells what operators do after Deregister": {func(m *mistaken) { m.flaws.tellsAlways = true }, []string{"Watch does not tell of what operators do after Deregister"}},
	"Watch tells nothing of an online": {func(m *mistaken) {
		m.watch = func(ctx context.Context, changed func(bool)) error {
			offline := false
			return m.modelRegistrar.Watch(ctx, func(online bool) {
				if !offline {
					changed(online)
				}
				offline = offline || !online
			})
		}
	}, []string{
		"Watch tells before Deregister returns",
		"Watch tells in order, one at a time",
		"Watch tells of an offline from before",
		"Watch tells offline and online",
	}},
}
