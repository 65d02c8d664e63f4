// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

const pushDelay = 500 * time.Millisecond

var errAway = errors.New("client not connected")

// fakeRegistry is as much of a registry as the Registrar can see, for fake time. Its fields are set with the lock held.
type fakeRegistry struct {
	mu      sync.Mutex
	conns   []*fakeConn
	others  []sdk.Instance // published by nobody's connection: second owners, copies of dead nodes, peers
	hidden  bool           // an operator has switched the address off
	away    bool           // calls fail after 300 ms
	frozen  bool           // calls fail after 3 s
	noHTTP  bool           // nobody answers the open list
	refuse  int            // so many registrations are refused
	login   bool           // and for the login
	ghosts  int            // so many deregistrations are accepted without effect
	hurdles int            // so many registrations are accepted without effect
	calls   []string
}

type fakeConn struct {
	r         *fakeRegistry
	name      string
	born      time.Time
	published *sdk.Instance
	callback  func([]sdk.Instance)
	sent      []string // what the callback was last called with
	blind     bool     // pushes are ignored
	expired   bool     // its login is not known any more
	closed    bool
}

func (r *fakeRegistry) connect() connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &fakeConn{r: r, name: fmt.Sprintf("conn%d", len(r.conns)+1), born: time.Now()}
	r.conns = append(r.conns, c)
	return c
}

// set changes the registry, and pushes after the delay.
func (r *fakeRegistry) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
	r.changed()
}

func (r *fakeRegistry) changed() { time.AfterFunc(pushDelay, r.push) }

func (r *fakeRegistry) list() []sdk.Instance {
	var out []sdk.Instance
	for _, c := range r.conns {
		if c.published != nil && !r.hidden && !slices.ContainsFunc(out, func(i sdk.Instance) bool { return hostPort(i) == hostPort(*c.published) }) {
			out = append(out, *c.published)
		}
	}
	return append(out, r.others...)
}

func (r *fakeRegistry) push() {
	r.mu.Lock()
	list := r.list()
	var due []func([]sdk.Instance)
	for _, c := range r.conns {
		if c.callback != nil && !c.blind && !c.closed && !r.away && !slices.Equal(c.sent, names(list)) {
			c.sent = names(list)
			due = append(due, c.callback)
		}
	}
	r.mu.Unlock()
	for _, f := range due {
		f(list)
	}
}

func names(list []sdk.Instance) []string {
	out := []string{}
	for _, i := range list {
		out = append(out, describe(i))
	}
	return out
}

// begin notes the call and fails as the registry does.
func (c *fakeConn) begin(ctx context.Context, call string) error {
	c.r.mu.Lock()
	c.r.calls = append(c.r.calls, c.name+" "+call)
	away, frozen, closed := c.r.away, c.r.frozen, c.closed
	c.r.mu.Unlock()
	switch {
	case closed:
		return sdk.ErrClosed
	case frozen:
		select {
		case <-time.After(DefaultTimeout):
			return context.DeadlineExceeded
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	case away:
		select {
		case <-time.After(300 * time.Millisecond):
			return errAway
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (c *fakeConn) Register(ctx context.Context, _, _ string, i sdk.Instance) error {
	if err := c.begin(ctx, "register"); err != nil {
		return err
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if c.expired {
		return ErrRefused
	}
	if c.r.refuse > 0 {
		c.r.refuse--
		if c.r.login {
			return fmt.Errorf("%w: %w", ErrRefused, ErrLogin)
		}
		return ErrRefused
	}
	if c.r.hurdles > 0 {
		c.r.hurdles--
		return nil
	}
	c.published = &i
	c.r.changed()
	return nil
}

func (c *fakeConn) Deregister(ctx context.Context, _, _ string, _ sdk.Instance) error {
	if err := c.begin(ctx, "deregister"); err != nil {
		return err
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if c.r.ghosts > 0 {
		c.r.ghosts--
		return nil
	}
	c.published = nil
	c.r.changed()
	return nil
}

func (c *fakeConn) Subscribe(ctx context.Context, _, _ string, f func([]sdk.Instance)) error {
	c.r.mu.Lock()
	if c.callback == nil {
		c.callback = f // stays, also after an error
	}
	c.r.mu.Unlock()
	if err := c.begin(ctx, "subscribe"); err != nil {
		return err
	}
	c.r.mu.Lock()
	list := c.r.list()
	c.sent = names(list)
	f = c.callback
	c.r.mu.Unlock()
	f(list)
	return nil
}

func (c *fakeConn) List(ctx context.Context, _, _ string) ([]sdk.Instance, error) {
	if err := c.begin(ctx, "list"); err != nil {
		return nil, err
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	switch {
	case c.r.noHTTP:
		return nil, sdk.ErrNoOpinion
	case c.expired:
		return nil, fmt.Errorf("%w: %w", sdk.ErrNoOpinion, ErrRefused)
	}
	return c.r.list(), nil
}

func (c *fakeConn) Age() time.Duration { return time.Since(c.born) }

func (c *fakeConn) Close(context.Context) error {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	c.r.calls = append(c.r.calls, c.name+" close")
	c.closed, c.published = true, nil
	c.r.changed()
	return nil
}

// spoof calls the latest connection back with a list that nobody has sent; it ignores pushes from then on.
func (r *fakeRegistry) spoof(list ...sdk.Instance) {
	r.mu.Lock()
	c := r.conns[len(r.conns)-1]
	c.blind = true
	r.mu.Unlock()
	c.callback(list)
}

// open counts the connections that were not closed.
func (r *fakeRegistry) open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.conns {
		if !c.closed {
			n++
		}
	}
	return n
}

// count counts calls that end like this.
func (r *fakeRegistry) count(call string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.calls {
		if c == call || strings.HasSuffix(c, " "+call) {
			n++
		}
	}
	return n
}

var fakeListener = &net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 9090}

// A party is a Registrar with a fake registry and what its Watch reports, in a bubble of fake time.
type party struct {
	*Registrar
	t        *testing.T
	registry *fakeRegistry
	reports  chan bool
}

// simulate runs f in a bubble. When f returns, the Registrar is closed, and nothing of it may be left.
func simulate(t *testing.T, f func(t *testing.T, p *party)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		inst, err := Instance{Service: "orders"}.checked()
		if err != nil {
			t.Fatal(err)
		}
		registry := &fakeRegistry{}
		log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
		p := &party{
			Registrar: newRegistrar(inst, defaultTiming(), log, registry.connect),
			t:         t, registry: registry, reports: make(chan bool, 100),
		}
		p.outbound = func() (netip.Addr, error) { return netip.MustParseAddr("10.0.0.7"), nil }
		watched := make(chan error, 1)
		go func() { watched <- p.Watch(context.Background(), func(online bool) { p.reports <- online }) }()
		defer func() {
			if err := p.Close(); err != nil {
				t.Errorf("Close() = %v, want nil", err)
			}
			if err := <-watched; !errors.Is(err, ErrClosed) {
				t.Errorf("Watch() = %v, want ErrClosed", err)
			}
			if n := registry.open(); n != 0 {
				t.Errorf("%d connections are open after Close, want 0", n)
			}
		}()
		f(t, p)
	})
}

func (p *party) register() {
	p.t.Helper()
	if err := p.Register(p.t.Context(), fakeListener); err != nil {
		p.t.Fatalf("Register() = %v, want nil", err)
	}
	p.wantReports(true)
}

// deregister is given what a Manager gives it.
func (p *party) deregister() error {
	ctx, cancel := context.WithTimeout(p.t.Context(), 5*time.Second)
	defer cancel()
	return p.Deregister(ctx)
}

// wantReports looks at what Watch has reported since the last look.
func (p *party) wantReports(want ...bool) {
	p.t.Helper()
	synctest.Wait()
	var got []bool
	for len(p.reports) > 0 {
		got = append(got, <-p.reports)
	}
	if !slices.Equal(got, want) {
		p.t.Fatalf("Watch reported %v, want %v", got, want)
	}
}

func (p *party) wantState(want state) {
	p.t.Helper()
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.machine.state != want {
		p.t.Fatalf("state %q, want %q", p.machine.state, want)
	}
}

// published is what the first connection has published.
func (p *party) published() sdk.Instance {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	if i := p.registry.conns[0].published; i != nil {
		return *i
	}
	return sdk.Instance{}
}

// connections counts all that were made.
func (p *party) connections() int {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	return len(p.registry.conns)
}

// listed tells whether consumers see us.
func (p *party) listed() bool {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	return slices.ContainsFunc(p.registry.list(), func(i sdk.Instance) bool { return hostPort(i) == "10.0.0.7:9090" })
}

var discard = slog.New(slog.DiscardHandler)
