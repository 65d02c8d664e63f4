// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// closePatience is how long a close lets the call under way come to its end.
const closePatience = 250 * time.Millisecond

// Client is one connection to the registry: an SDK naming client, its subscription and its registrations. What it has
// published is gone when it is closed. All methods are safe for concurrent use; calls run one after the other, in the
// order in which they got their turn, also those whose caller has left.
type Client struct {
	settings *Settings
	agent    *agent

	ready chan struct{} // closed when the SDK has tried to connect
	wire  *wire         // valid once ready, nil if there is none
	err   error         // likewise: why

	turn chan struct{} // holds one value while a call runs

	reached atomic.Bool
	sending atomic.Int32 // calls of the SDK under way
	number  atomic.Uint64

	mu      sync.Mutex
	closing chan struct{} // closed by the first Close
	closed  chan struct{} // closed when nothing is left
	running sync.WaitGroup
	woken   chan struct{} // something is due

	// By keyOf; what is due is to be repeated, and is one of them.
	subs      map[string]*subscription
	published map[string]*publication
	withdrawn map[string]uint64 // the number of the last withdrawal
	due       map[any]bool
}

// NewClient returns at once and connects on a goroutine: the SDK's constructor may take 9 s when the address swallows
// packets, and logs in before it returns. The client must be closed.
func (s *Settings) NewClient() *Client {
	prepareProcess(s.log)
	c := &Client{
		settings:  s,
		agent:     newAgent(s.tls),
		ready:     make(chan struct{}),
		turn:      make(chan struct{}, 1),
		closing:   make(chan struct{}),
		closed:    make(chan struct{}),
		woken:     make(chan struct{}, 1),
		subs:      map[string]*subscription{},
		published: map[string]*publication{},
		withdrawn: map[string]uint64{},
		due:       map[any]bool{},
	}
	c.running.Go(c.construct)
	return c
}

func (c *Client) construct() {
	dialled, first := make(chan struct{}), make(chan struct{})
	known := sync.OnceFunc(func() { close(first) })
	c.wire, c.err = c.settings.dial(c.agent, func() {
		<-dialled
		select {
		case <-c.ready:
			c.connected()
		default:
			known() // nothing was asked for yet
		}
	}, c.pushedTo)
	close(dialled)
	if c.wire != nil && c.wire.connected() {
		select {
		case <-first:
		case <-c.closing:
		}
	}
	close(c.ready)
	if c.wire != nil {
		c.running.Go(c.lookAway)
		c.repeating()
	}
}

// Reached reports whether the registry may have heard of anything that was asked for: whether a call has ended in
// another way than for want of a connection, or a list has come. It is true while a call is under way: what becomes of
// that is not known yet.
func (c *Client) Reached() bool { return c.sending.Load() > 0 || c.reached.Load() }

// Close ends the connection, and with it everything that the client has published, and waits for the calls that are
// still under way, which end soon after. A connect that is under way then ends in the background, within 4 s. It
// returns context.Cause(ctx) if ctx ends first; the rest is then done in the background. Later calls wait for the same
// end. Callbacks do not run any more once Close was called, except for one that has begun before.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	select {
	case <-c.closing:
	default:
		close(c.closing)
		go c.shutdown() // waited for through closed
	}
	c.mu.Unlock()
	select {
	case <-c.closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close: %w", context.Cause(ctx))
	}
}

func (c *Client) shutdown() {
	<-c.ready
	rest := func() {}
	if c.wire != nil {
		// A call that is cut off reads the SDK's state unsynchronised. Most take a few milliseconds.
		patience := time.NewTimer(closePatience)
		defer patience.Stop()
		select {
		case c.turn <- struct{}{}:
		case <-patience.C:
		}
		rest = c.wire.close()
	}
	c.running.Wait()
	c.agent.close()
	close(c.closed)
	rest()
}

func (c *Client) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}
