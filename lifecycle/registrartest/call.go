// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"
)

// A call is a method that was called, and may not have returned. It runs on a goroutine of its own, so that one that does
// not return is a failure and not a test that hangs.
type call struct {
	*scene
	ctx      context.Context
	method   string
	done     chan struct{}
	err      error
	panicked string
}

func (s *scene) begin(ctx context.Context, method string, f func() error) *call {
	c := &call{scene: s, ctx: ctx, method: method, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		defer func() {
			if p := recover(); p != nil {
				c.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		c.err = f()
	}()
	return c
}

// wait returns the call's error. A method returns within Heed after its context has ended.
func (c *call) wait() error {
	c.Helper()
	select {
	case <-c.done:
	case <-c.ctx.Done():
		limit := time.NewTimer(c.Heed)
		defer limit.Stop()
		select {
		case <-c.done:
		case <-limit.C:
			c.Fatalf("%s has not returned %v after its context ended (%v)", c.method, c.Heed, context.Cause(c.ctx))
		}
	}
	if c.panicked != "" {
		c.Fatalf("%s panics: %s", c.method, c.panicked)
	}
	return c.err
}

func (c *call) hasReturned() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// atMost calls what has no context.
func (s *scene) atMost(d time.Duration, method string, f func()) {
	s.Helper()
	c := s.begin(context.Background(), method, func() error {
		f()
		return nil
	})
	limit := time.NewTimer(d)
	defer limit.Stop()
	select {
	case <-c.done:
		_ = c.wait() // it may have panicked
	case <-limit.C:
		s.Fatalf("%s has not returned after %v", method, d)
	}
}

// once is what a method may take that returns at once, on a machine that is busy.
const once = time.Second

// atOnce calls a method that has no context and returns at once.
func atOnce[T any](s *scene, method string, f func() T) (v T) {
	s.Helper()
	s.atMost(once, method, func() { v = f() })
	return v
}
