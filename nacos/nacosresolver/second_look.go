// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"maps"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

const (
	// doubtWait passes between a doubt (nothing usable is listed, or a channel cannot connect) and a look at the open
	// list, and between the two looks that convict a subscription: a push takes 0.5 to 1 s, 2 s from node to node.
	doubtWait = 3 * time.Second
	// lookAgain passes between two looks while nothing usable is listed.
	lookAgain = 10 * time.Second
	lookLimit = 2 * time.Second
	// replaceEvery is the least between two new connections while the looks go on to differ. Nodes that disagree show
	// their own lists on each connection, and no new one mends that.
	replaceEvery = 5 * time.Minute
)

// doubts are about a subscription that may be broken: a push was lost, or the registry shows different lists. The open
// list, read over HTTP, tells. When it contradicts the subscription twice, a new connection takes the place of the old
// one.
type doubts struct {
	due      <-chan time.Time // the next look at the open list; nil: no doubt
	looking  bool
	round    int       // a look of an earlier one is about what the subscription said then
	differ   int       // looks in a row that contradicted the subscription
	replaced time.Time // zero: not since the subscription was right
}

// A look is what the open list showed.
type look struct {
	round int
	list  []sdk.Instance
	err   error
}

// settle ends all doubts: the subscription has a new list.
func (d *doubts) settle() {
	d.differ, d.due = 0, nil
	d.round++
}

func (d *doubts) lookAfter(wait time.Duration) {
	if d.due == nil && !d.looking {
		d.due = time.After(jittered(wait))
	}
}

// look reads the open list beside, so that lists of the subscription do not wait for it.
func (f *feed) look(ctx context.Context) {
	f.due, f.looking = nil, true
	client, round := f.source.client, f.round
	f.running.Go(func() {
		limited, cancel := context.WithTimeout(ctx, lookLimit)
		defer cancel()
		list, err := client.List(limited, f.service, f.group)
		select {
		case f.looked <- look{round, list, err}:
		case <-ctx.Done():
		}
	})
}

// compare judges the subscription by the open list.
func (f *feed) compare(ctx context.Context, l look) {
	f.looking = false
	agrees := l.err == nil && maps.Equal(usable(l.list), usable(f.heard))
	if agrees {
		f.replaced = time.Time{}
	}
	if l.round != f.round || l.err != nil || agrees || !anyUsable(l.list) {
		f.differ = 0
		if f.anyEmpty() || !f.spoken {
			f.lookAfter(lookAgain)
		}
		return
	}
	if !f.spoken { // there is no subscription that could be right
		f.heard = l.list
		f.publish(news{list: l.list})
		f.lookAfter(lookAgain)
		return
	}
	if f.differ++; f.differ < 2 {
		f.lookAfter(doubtWait)
		return
	}
	f.differ = 0
	if !f.replaced.IsZero() && time.Since(f.replaced) < replaceEvery {
		f.log.Debug("nacosresolver: the open list still differs: nodes disagree, staying with our subscription",
			"heard", len(f.heard), "listed", len(l.list))
		f.lookAfter(lookAgain)
		return
	}
	f.replace(ctx, l.list)
}

// replace makes a new connection, and gives the channels what the open list has until it has spoken.
func (f *feed) replace(ctx context.Context, listed []sdk.Instance) {
	f.log.Warn("nacosresolver: our subscription is broken, the open list differs; a new connection takes over",
		"heard", len(f.heard), "listed", len(listed))
	f.replaced = time.Now()
	broken := f.source
	f.running.Go(func() { _ = broken.close(ctx) }) // bounded, and nothing hangs on it
	f.open(ctx)
	f.heard = listed
	f.publish(news{list: listed})
	f.lookAfter(lookAgain)
}
