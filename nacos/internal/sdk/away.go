// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"time"
)

const (
	awayLook  = time.Second      // passes between two looks at whether there is a connection
	awayLeast = 3 * time.Second  // a reconnect that takes less is worth no line
	awayEvery = 15 * time.Second // passes between two lines
)

var errSilent = errors.New("its ports accept connections, and it does not answer")

// away is how long there has been no connection to the registry.
type away struct {
	since time.Time // zero: there is one
	told  time.Time // of the last line
}

// lookAway looks until Close, which ends a look under way.
func (c *Client) lookAway() {
	ctx, cancel := context.WithCancel(context.Background())
	c.running.Go(func() {
		<-c.closing
		cancel()
	})
	tick := time.NewTicker(awayLook)
	defer tick.Stop()
	var a away
	for {
		select {
		case now := <-tick.C:
			a.look(ctx, c.settings, c.wire.connected(), now)
		case <-ctx.Done():
			return
		}
	}
}

// look is called again and again, and says what cannot be reached. What the SDK logs of it has neither address nor reason.
func (a *away) look(ctx context.Context, s *Settings, connected bool, now time.Time) {
	switch {
	case connected && !a.told.IsZero():
		s.log.Info("nacos: the registry is reached again", "servers", s.Servers(), "after", now.Sub(a.since).Round(time.Second))
		fallthrough
	case connected:
		*a = away{}
		return
	case a.since.IsZero():
		a.since = now
		return
	case now.Sub(a.since) < awayLeast, !a.told.IsZero() && now.Sub(a.told) < awayEvery:
		return
	}
	a.told = now
	err := s.Reach(ctx)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		err = errSilent
	}
	s.log.Warn("nacos: the registry is away", "servers", s.Servers(), "for", now.Sub(a.since).Round(time.Second), "err", err)
}
