// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"math/rand/v2"
	"time"
)

// What was asked for is repeated after a connect, which may have brought us to another node, or to one that has
// forgotten us. When that fails, it is tried again after these pauses: half less, or half more.
const (
	repeatMin = 250 * time.Millisecond
	repeatMax = 5 * time.Second
)

// repeat marks what is due, with the lock held, and has it done.
func (c *Client) repeat(mark func()) {
	c.mu.Lock()
	mark()
	c.mu.Unlock()
	select {
	case c.woken <- struct{}{}:
	default:
	}
}

// repeatOf has what done once more.
func (c *Client) repeatOf(what any) { c.repeat(func() { c.due[what] = true }) }

// taken tells that what is being asked for: a connect from here on makes it due anew.
func (c *Client) taken(what any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.due, what)
}

// connected is called after each connect but the first, before which nothing was asked for.
func (c *Client) connected() {
	c.repeat(func() {
		for _, p := range c.published {
			c.due[p] = true
		}
		for _, s := range c.subs {
			c.due[s] = true
		}
	})
}

// repeating does what is due until Close.
func (c *Client) repeating() {
	pause := repeatMin
	for {
		select {
		case <-c.woken:
		case <-c.closing:
			return
		}
		if c.doDue() {
			pause = repeatMin
			continue
		}
		// An error makes the SDK connect anew at once, and that is no reason to repeat anything at once.
		wait := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-wait.C:
		case <-c.closing:
			wait.Stop()
			return
		}
		pause = min(2*pause, repeatMax)
		c.repeat(func() {})
	}
}

// doDue does what is due, registrations first, so that no list comes without us where it can be helped. It reports
// whether nothing is due any more, or can be done before the next connect.
func (c *Client) doDue() (done bool) {
	c.mu.Lock()
	var publications []*publication
	var subs []*subscription
	for what := range c.due {
		switch w := what.(type) {
		case *publication:
			publications = append(publications, w)
		case *subscription:
			subs = append(subs, w)
		}
	}
	c.mu.Unlock()
	done = true
	for _, p := range publications {
		done = c.once(p, func() error { return c.publish(p) }) && done
	}
	for _, s := range subs {
		done = c.once(s, func() error { return c.subscribe(s) }) && done
	}
	return done
}

// once does one thing when it is its turn, if it is still due. A refusal is an answer: it is for others to find out.
func (c *Client) once(what any, f func() error) bool {
	select {
	case c.turn <- struct{}{}:
	case <-c.closing:
		return true
	}
	defer func() { <-c.turn }()
	c.mu.Lock()
	due := c.due[what]
	c.mu.Unlock()
	if !due || !c.wire.connected() {
		return true // the next connect makes it due again
	}
	err := c.send(f)
	if err != nil {
		c.settings.log.Debug("nacos: repeating what was asked for failed", "err", err)
	}
	if err == nil || errors.Is(err, ErrRefused) || !wasSent(err) { // without a connection the next connect makes it due
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := what.(*publication); !ok || c.published[keyOf(p.service, p.group)] == p {
		c.due[what] = true
	}
	return false
}
