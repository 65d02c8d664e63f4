// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// serverLead is how long a further server may take to stop before the one behind it begins to.
const serverLead = 5 * time.Second

// gracefulStop makes every server refuse new connections and send GOAWAY: the refusal that gRPC clients repeat by
// themselves. GracefulStop may hang in a handler, so it runs on a goroutine that is abandoned when Stop has not ended
// it.
func (m *Manager) gracefulStop(ctx context.Context, o *offline) error {
	m.mu.Lock()
	m.setState(Stopping)
	m.mu.Unlock()
	stopped, begun := make(chan struct{}), make(chan struct{})
	o.stopped = stopped
	var hurrying sync.WaitGroup
	go func() {
		defer close(stopped)
		var ends []chan struct{}
		order := m.stopOrder()
		for i, s := range order {
			if i > 0 {
				select {
				case <-ends[i-1]:
				case <-ctx.Done():
				case <-time.After(min(serverLead, time.Until(o.plan.stopBy))):
				}
			}
			end := make(chan struct{})
			ends = append(ends, end)
			go func() {
				defer close(end)
				s.GracefulStop()
			}()
			hurrying.Go(func() { m.awaitHandshakes(ctx, len(order)-1-i) })
		}
		close(begun)
		for _, end := range ends {
			<-end
		}
		m.awaitCounted(ctx, o)
	}()
	<-begun
	hurrying.Wait()
	return nil
}

// stopOrder is the further servers, the last one first, then the first server.
func (m *Manager) stopOrder() []Server {
	var order []Server
	for _, s := range slices.Backward(m.servers) {
		order = append(order, s.server)
	}
	if m.server != nil {
		order = append(order, m.server)
	}
	return order
}

// notice ends the health Watches and tells the streams, once GOAWAY is out: a client that hears of it earlier opens its
// Watch or its stream again on this server, thousands of times a second. A plain client's Watch would block
// GracefulStop for ever (grpc-go v1.85.0).
func (m *Manager) notice(ctx context.Context, o *offline) error {
	o.awaitStopped(context.WithoutCancel(ctx), min(goAwayLead, o.plan.forceWait/5))
	if m.health != nil {
		m.health.EndWatches()
	}
	if m.calls != nil {
		m.calls.TellStreams()
	}
	if o.streamsTold.IsZero() {
		o.streamsTold = time.Now()
	}
	return nil
}

// awaitStreams gives streams that were told their grace.
func (m *Manager) awaitStreams(ctx context.Context, o *offline) error {
	if o.hasStopped() || m.calls == nil {
		return errSkipped
	}
	return o.poll(ctx, o.plan.streamsBy(o.streamsTold, m.streamGrace), func() bool {
		_, streams := m.calls.InFlight()
		return streams > 0
	})
}

const endTicks = 20 // steps in which streams are ended

// endStreams ends the streams that are left, oldest first, spread out so that their clients do not all come back at
// once.
func (m *Manager) endStreams(ctx context.Context, o *offline) error {
	if o.hasStopped() || m.calls == nil || ctx.Err() != nil {
		return errSkipped
	}
	_, streams := m.calls.InFlight()
	if streams == 0 {
		m.calls.EndStreams(-1) // those that are not counted: they hold GracefulStop as well
		return errSkipped
	}
	spread := min(streamSpread, time.Until(o.plan.forceAt)/2)
	ended := 0
	for tick := range endTicks {
		share := (streams*(tick+1)+endTicks-1)/endTicks - (streams*tick+endTicks-1)/endTicks
		if tick == endTicks-1 {
			share = -1
		}
		if share != 0 {
			ended += m.calls.EndStreams(share)
		}
		if o.awaitStopped(ctx, spread/endTicks) || ctx.Err() != nil {
			break
		}
	}
	o.note(func(r *Report) { r.StreamsEnded += ended })
	return nil
}

// awaitCalls waits for what is still in flight, as long as the budget allows. Streams may still come: grpc-go admits
// them until the client has acknowledged GOAWAY (v1.85.0), which takes a round trip. Those are told at once, and ended
// when the grace is over.
func (m *Manager) awaitCalls(ctx context.Context, o *offline) error {
	if o.hasStopped() {
		return errSkipped
	}
	by, late := o.plan.streamsBy(o.streamsTold, m.streamGrace), 0
	for !o.awaitStopped(ctx, goAwayLead) && ctx.Err() == nil {
		if m.calls != nil && !time.Now().Before(by) {
			late += m.calls.EndStreams(-1)
		}
	}
	o.note(func(r *Report) { r.StreamsEnded += late })
	return nil
}

// forceStop refuses, answers what can be answered, lets the answers out, and cuts the rest. Stop alone would make a
// proxy in between say "refused", and a client run a call a second time that this server has already carried out.
func (m *Manager) forceStop(ctx context.Context, o *offline) error {
	forced := ctx.Err() != nil && context.Cause(ctx) == errForce
	if o.hasStopped() && !forced && !o.left.Load() {
		return errSkipped
	}
	left := o.left.Load()
	answered, ended, at := 0, 0, m.counts()
	if (!o.hasStopped() || left) && m.calls != nil {
		m.calls.Refuse()
		answered = m.calls.AbandonCalls()
		ended = m.calls.EndStreams(-1)
	}
	for _, l := range m.watched() {
		l.Hurry(time.Now().Add(o.plan.forceWait / 2)) // neither GracefulStop nor Stop gets past them
	}
	var cut Counts
	connections, all := 0, true
	switch stopped := o.awaitStopped(context.WithoutCancel(ctx), o.plan.forceWait); {
	case stopped && o.left.Load():
		pause(context.WithoutCancel(ctx), time.Now().Add(answerLead))
		cut, all = m.counts(), false
	case !stopped:
		cut = m.counts()
		connections, all = m.openConnections()
		for _, server := range m.stopServers(o.plan.stopWait) {
			o.abandon("Stop of " + server)
		}
		if !o.awaitStopped(context.WithoutCancel(ctx), o.plan.stopWait) {
			o.abandon("GracefulStop of a server")
		}
	}
	o.note(func(r *Report) {
		r.Forced = true
		r.CallsAnswered, r.StreamsEnded = answered, r.StreamsEnded+ended
		r.CallsCut, r.StreamsCut, r.ConnectionsCut, r.ConnectionsUnknown = cut.Unary, cut.Streams, connections, !all
	})
	cause := context.Cause(ctx)
	if cause == nil {
		cause = errLeft
	}
	return fmt.Errorf("%w: %w with %d unary calls and %d streams in flight; "+
		"%d calls answered, %d streams ended, %d calls and %d streams cut, and %s connections",
		ErrForcedStop, cause, at.Unary, at.Streams, answered, ended, cut.Unary, cut.Streams, atLeast(connections, all))
}

// atLeast is a number of which we know all, or not.
func atLeast(n int, all bool) string {
	switch {
	case all:
		return strconv.Itoa(n)
	case n == 0:
		return "an unknown number of"
	}
	return fmt.Sprintf("%d or more", n)
}

// stopServers stops all of them at once, and returns the names of those that have not stopped within limit.
func (m *Manager) stopServers(limit time.Duration) (hang []string) {
	over, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	order := m.stopOrder()
	stopped := make([]chan struct{}, len(order))
	for i, s := range order {
		stopped[i] = make(chan struct{})
		go func() {
			defer close(stopped[i])
			s.Stop()
		}()
	}
	for i := range order {
		if !ended(over, stopped[i]) {
			hang = append(hang, fmt.Sprintf("server %d", len(order)-i))
		}
	}
	return hang
}
