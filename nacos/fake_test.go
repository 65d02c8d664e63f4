// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

const pushDelay = 500 * time.Millisecond

var errAway = errors.New("client not connected")

// fakeRegistry is as much of a registry as the Registrar can see, for fake time. Its fields are set with the lock held.
type fakeRegistry struct {
	mu       sync.Mutex
	conns    []*fakeConn
	others   []sdk.Instance // published by nobody's connection: second owners, copies of dead nodes, peers
	hidden   bool           // an operator has switched the address off
	away     bool           // calls fail after 300 ms
	frozen   bool           // calls fail after 3 s
	noHTTP   bool           // nobody answers the open list
	noDetail bool           // nobody answers the detail of an instance, as on 3.x
	refuse   int            // so many registrations are refused
	login    bool           // and for the login
	lost     int            // so many registrations are accepted, and their answers get lost
	ghosts   int            // so many deregistrations are accepted without effect
	hurdles  int            // so many registrations are accepted without effect
	calls    []string

	elsewhere []sdk.Instance // what the node says that answers the open list; nil: the same as ours
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
	reached   bool
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
	c.reached = c.reached || !away && !closed
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
	if c.r.lost > 0 {
		c.r.lost--
		return context.DeadlineExceeded
	}
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
	case c.r.elsewhere != nil:
		return c.r.elsewhere, nil
	}
	return c.r.list(), nil
}

func (c *fakeConn) ListEach(ctx context.Context, service, group string) []sdk.NodeList {
	list, err := c.List(ctx, service, group)
	return []sdk.NodeList{{Node: "10.0.0.1:8848", Instances: list, Err: err}}
}

// Held is answered where the open list is, unless it is 3.x that is asked.
func (c *fakeConn) Held(ctx context.Context, _, _ string, i sdk.Instance) (held, known bool) {
	if c.begin(ctx, "held") != nil {
		return false, false
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	if c.r.noHTTP || c.r.noDetail {
		return false, false
	}
	return slices.ContainsFunc(c.r.conns, func(c *fakeConn) bool {
		return c.published != nil && hostPort(*c.published) == hostPort(i)
	}), true
}

func (c *fakeConn) NamespaceMissing(context.Context) bool { return false }

func (c *fakeConn) Reached() bool {
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	return c.reached
}

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
