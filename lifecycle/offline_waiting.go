// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"sync"
	"time"
)

const (
	worthALine = time.Second     // what a phase takes that has a line at info although nothing went wrong
	tellEvery  = 5 * time.Second // passes between two lines about a phase that waits
)

// A PhaseStatus is the phase of an offline that is under way.
type PhaseStatus struct {
	Name  string    `json:"name"` // as in Phase
	Since time.Time `json:"since"`
	Waits string    `json:"waits_for,omitempty"` // for what; empty: for nothing
	Until time.Time `json:"until,omitzero"`      // how long it may wait at the most; zero where it does not wait
}

// waits notes that a phase is under way.
func (o *offline) waits(p phase) {
	s := PhaseStatus{Name: string(p.name), Since: time.Now(), Waits: p.waits}
	if p.until != nil {
		s.Until = p.until(o)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.underWay != nil && o.underWay.Name == s.Name {
		s.Since = o.underWay.Since
	}
	o.underWay = &s
}

// phaseUnderWay returns nil when there is none.
func (o *offline) phaseUnderWay() *PhaseStatus {
	if o.over() {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.underWay == nil {
		return nil
	}
	s := *o.underWay
	return &s
}

// tellWaiting writes a line when a phase has waited for a while, and again and again, until stop, which waits for it.
func (m *Manager) tellWaiting(o *offline, p phase) (stop func()) {
	if p.waits == "" {
		return func() {}
	}
	over := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		next := time.NewTimer(worthALine)
		defer next.Stop()
		for {
			select {
			case <-over:
				return
			case <-next.C:
			}
			next.Reset(tellEvery)
			m.sayWaiting(p, *o.phaseUnderWay())
		}
	})
	return func() {
		close(over)
		telling.Wait()
	}
}

// sayWaiting names what is waited for: the oldest RPC as attributes of its own, and the oldest ones as a list. Those
// that were admitted before the trigger are a number.
func (m *Manager) sayWaiting(p phase, s PhaseStatus) {
	counts := m.counts()
	oldest, unnamed := m.oldest()
	args := []any{
		"phase", p.name, "for", p.waits, "since", time.Since(s.Since).Round(time.Millisecond),
		"at_most", time.Until(s.Until).Round(time.Millisecond), "unary", counts.Unary, "streams", counts.Streams,
		"late", counts.Late, "unnamed", unnamed,
	}
	if len(oldest) > 0 {
		first := oldest[0]
		args = append(args, "oldest", age(first), "method", first.Method, "peer", first.Peer)
	}
	if len(oldest) > 1 {
		list := make([]string, 0, len(oldest))
		for _, r := range oldest {
			list = append(list, cutText(fmt.Sprintf("%v %s, %s", age(r), r.Method, r.Peer)))
		}
		args = append(args, "rpcs", list)
	}
	m.log.Info("waiting", args...)
}

func age(r RPC) time.Duration { return time.Since(r.Began).Round(time.Millisecond) }

// When phases stop to wait.

func (m *Manager) successorBy(o *offline) time.Time {
	settle := m.settleTime()
	return earlier(o.plan.trigger.Add(o.plan.successorMost(settle)), time.Now().Add(m.successor+settle))
}

func withdrawnBy(o *offline) time.Time { return o.plan.withdrawBy }

func (m *Manager) settledBy(o *offline) time.Time {
	by, _ := o.settleBy(m.settleTime())
	return by
}

func halfOfTheBudget(o *offline) time.Time { return o.plan.half }

func (m *Manager) quietBy(o *offline) time.Time {
	by, _ := o.quietBy(time.Now(), m.policy)
	return by
}

func (m *Manager) streamsBy(o *offline) time.Time {
	return o.plan.streamsBy(o.streamsTold, m.streamGrace)
}

func forced(o *offline) time.Time { return o.plan.forceAt }

func endOfTheBudget(o *offline) time.Time { return o.plan.end }
