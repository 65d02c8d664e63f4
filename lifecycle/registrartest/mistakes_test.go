// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// Every mistake is found, by the subtests that are about it and by no others.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, list := range []map[string]seeded{registerMistakes, deregisterMistakes, watchMistakes, smallMistakes, closeMistakes} {
		for name, m := range list {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				found := map[string][]string{}
				for _, s := range subtests() {
					if failures := failuresOf(t, s, m.spoil); len(failures) > 0 {
						found[s.name] = failures
					}
				}
				for _, name := range slices.Sorted(maps.Keys(found)) {
					t.Logf("%s: %s", name, strings.Join(found[name], "; "))
				}
				if got := slices.Sorted(maps.Keys(found)); !m.isFoundBy(got) {
					t.Errorf("found by\n%q\nwant\n%q", got, m.foundBy)
				}
			})
		}
	}
}

// A seeded mistake, and the subtests that find it.
type seeded struct {
	spoil   func(*mistaken)
	foundBy []string
}

// andMore is for mistakes that leave little to look at.
const andMore = "..."

func (s seeded) isFoundBy(names []string) bool {
	if !slices.Contains(s.foundBy, andMore) {
		return slices.Equal(names, slices.Sorted(slices.Values(s.foundBy)))
	}
	return !slices.ContainsFunc(s.foundBy, func(name string) bool { return name != andMore && !slices.Contains(names, name) })
}

// later does something when a method has returned that should have done it.
func (m *mistaken) later(d time.Duration, f func()) {
	m.keeper.Go(func() {
		select {
		case <-time.After(d):
			f()
		case <-m.closed:
		}
	})
}

func (m *mistaken) add()    { m.registry.change(func() { m.registry.entries = 1 }) }
func (m *mistaken) remove() { m.registry.change(func() { m.registry.entries = 0 }) }

// deaf ends with the registry's thaw, and with the test.
func (m *mistaken) deaf(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	go func() {
		select {
		case <-m.registry.end:
			cancel()
		case <-ctx.Done():
		}
	}()
	return f(ctx)
}

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

type refused struct{ error }

func (refused) Refused() bool { return true }

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

var smallMistakes = map[string]seeded{
	"Settle is negative": {func(m *mistaken) { m.settle = func() time.Duration { return -1 } }, []string{"Settle"}},
	"String is empty":    {func(m *mistaken) { m.name = func() string { return "" } }, []string{"String"}},
	"Others has the instance itself": {func(m *mistaken) {
		m.others = func() []lifecycle.Other {
			others := m.modelRegistrar.Others()
			if m.registry.listed() {
				others = append(others, lifecycle.Other{Addr: "127.0.0.1:50051", Usable: true})
			}
			return others
		}
	}, []string{"Others come and go", "Others does not have the instance itself"}},
	"Others keeps who has left": {func(m *mistaken) {
		known := map[string]lifecycle.Other{}
		m.others = func() []lifecycle.Other {
			for _, o := range m.modelRegistrar.Others() {
				known[o.Addr] = o
			}
			return slices.Collect(maps.Values(known))
		}
	}, []string{"Others come and go"}},
	"Others asks the registry": {func(m *mistaken) {
		m.others = func() []lifecycle.Other {
			_ = m.deaf(context.Background(), func(ctx context.Context) error { return m.registry.request(ctx, func() {}) })
			return m.modelRegistrar.Others()
		}
	}, []string{"What answers at once does, registry frozen"}},
	"Others forgets the ages with the connection": {func(m *mistaken) { m.flaws.losesAges = true }, []string{"Others keep their ages"}},
	"Gone is nil while listed": {func(m *mistaken) { m.gone = func(context.Context) error { return nil } }, []string{
		"Gone ends with its context, registry frozen",
		"Gone ends with its context, registry unreachable",
		"Gone while listed",
	}},
	"Gone ignores its context": {func(m *mistaken) {
		m.gone = func(ctx context.Context) error { return m.deaf(ctx, m.modelRegistrar.Gone) }
	}, []string{"Gone ends with its context, registry frozen"}},
	"Gone names ourselves after Deregister": {func(m *mistaken) {
		m.gone = func(context.Context) error { return errors.New("listed somewhere") }
	}, []string{"Gone after Deregister"}},
	"Published stays after a confirmed absence": {func(m *mistaken) {
		m.published = func() string { return "127.0.0.1:50051" }
	}, []string{"Published"}},
	"Published is empty": {func(m *mistaken) { m.published = func() string { return "" } }, []string{
		"Published",
		"Published after a Deregister that was given up, registry frozen",
		"Published after a Deregister that was given up, registry unreachable",
	}},
	"Published is empty once Deregister was called": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			m.locked(func() { m.known = false })
			return m.modelRegistrar.Deregister(ctx)
		}
	}, []string{
		"Published after a Deregister that was given up, registry frozen",
		"Published after a Deregister that was given up, registry unreachable",
	}},
	"Failure stays after a success": {func(m *mistaken) {
		var last error
		m.failure = func() error {
			if err := m.modelRegistrar.Failure(); err != nil {
				last = err
			}
			return last
		}
	}, []string{"Failure while the registry is unreachable"}},
	"Failure says nothing": {func(m *mistaken) { m.failure = func() error { return nil } }, []string{"Failure while the registry is unreachable"}},
}

var closeMistakes = map[string]seeded{
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
