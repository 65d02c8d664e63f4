// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// requestTime is what half of a request takes.
const requestTime = 5 * time.Millisecond

var (
	errUnreachable = errors.New("model: the registry is unreachable")
	errRefused     = errors.New("model: refused")
)

// A modelRegistry is the world of a modelRegistrar. It knows one instance, and who joins.
type modelRegistry struct {
	mu      sync.Mutex
	entries int // registrations of the instance
	held    bool
	away    bool
	frozen  chan struct{} // closed when it thaws; nil: it is not frozen
	refuses bool
	others  map[string]bool
	clients []*modelRegistrar
	end     chan struct{} // closed when the test is over, for those who hear of nothing else
}

func (g *modelRegistry) listed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entries > 0 && !g.held
}

func (g *modelRegistry) holds() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.held
}

func (g *modelRegistry) registered() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.entries
}

func (g *modelRegistry) joined() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.others))
}

// change changes the registry and tells its clients.
func (g *modelRegistry) change(do func()) {
	g.mu.Lock()
	do()
	clients := g.clients
	g.mu.Unlock()
	for _, c := range clients {
		c.poke()
	}
}

// request does what a client asks for, unless ctx ends before the request is there.
func (g *modelRegistry) request(ctx context.Context, do func()) error {
	if err := wait(ctx, requestTime); err != nil {
		return err
	}
	g.mu.Lock()
	away, frozen, refuses := g.away, g.frozen, g.refuses
	g.mu.Unlock()
	switch {
	case frozen != nil:
		select {
		case <-frozen:
			return errUnreachable
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	case away:
		return errUnreachable
	case refuses:
		return errRefused
	}
	g.change(do)
	return wait(ctx, requestTime)
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// operate is an operator's switch, which outlives the registration. An online brings a withdrawn instance back, as it does
// with a balancer.
func (g *modelRegistry) operate(online bool) {
	g.change(func() {
		g.held = !online
		if online {
			g.entries = max(g.entries, 1)
		}
		for _, c := range g.clients {
			c.operated(online)
		}
	})
}

// newModelWorld has a modelRegistrar with a mistake; none when that is nil.
func newModelWorld(t testing.TB, spoil func(*mistaken)) World {
	g := &modelRegistry{others: map[string]bool{}, end: make(chan struct{})}
	t.Cleanup(func() { close(g.end) })
	toggle := func(on, off func()) func() func() {
		return func() func() {
			g.change(on)
			return func() { g.change(off) }
		}
	}
	disconnect := func() {
		for _, c := range g.clients {
			c.disconnected()
		}
	}
	return World{
		New:     func() (lifecycle.Registrar, error) { return g.newRegistrar(spoil), nil },
		Listed:  g.listed,
		Offline: func() { g.operate(false) },
		Online:  func() { g.operate(true) },
		Unreachable: toggle(
			func() { g.away = true; disconnect() },
			func() { g.away = false },
		),
		Freeze: toggle(
			func() { g.frozen = make(chan struct{}) },
			func() { close(g.frozen); g.frozen = nil },
		),
		Refuse:    toggle(func() { g.refuses = true }, func() { g.refuses = false }),
		Reconnect: func() { g.change(disconnect) },
		Lose:      func() { g.change(func() { g.entries = 0 }) },
		Return:    func() { g.change(func() { g.entries = 1 }) },
		Join: func(addr string) func() {
			g.change(func() { g.others[addr] = true })
			return func() { g.change(func() { delete(g.others, addr) }) }
		},
	}
}
