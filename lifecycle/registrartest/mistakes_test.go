// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
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
