// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// deregisterGrace is how long a Deregister whose context has ended may take to return.
const deregisterGrace = 100 * time.Millisecond

// deregisterLeast is what a Deregister gets that begins late. It may be that nobody waits for it any more.
const deregisterLeast = time.Second

// announceLeave makes the instance a lame duck. Who pulls hears of it now, and has other servers to go to; health
// Watches are held by clients that may have no other. It is called with the lock held.
func (m *Manager) announceLeave() {
	if m.calls != nil {
		m.calls.Drain()
	}
	switch {
	case m.health == nil:
	case m.policy == Strict:
		m.health.CloseTraffic()
	case m.healthNotice == AtTrigger:
		m.health.Shutdown()
	default:
		m.health.Drain()
	}
}

// askToWithdraw has the address taken out of every registry, in parallel. It reports false when there is nothing to
// withdraw.
func (m *Manager) askToWithdraw(o *offline) bool {
	o.absent = m.drained
	if !m.announced || len(m.reconcilers) == 0 {
		m.noteLate(&o.late.confirmed)
		return false
	}
	o.plan.withdrawFrom(time.Now())
	for _, k := range m.reconcilers {
		if !k.inUse && (!o.kind.stays() || o.kind == kindDrain && !k.isHeld()) {
			k.withdraw(o.plan.withdrawBy)
			o.asked = append(o.asked, k)
		}
	}
	return true
}

// awaitWithdrawn waits until those who were asked have confirmed.
func (m *Manager) awaitWithdrawn(ctx context.Context, o *offline) error {
	wait, cancel := context.WithDeadlineCause(ctx, o.plan.withdrawBy.Add(deregisterGrace), errWithdrawLimit)
	defer cancel()
	var errs []error
	for _, k := range o.asked {
		over, err := k.await(wait)
		if err != nil && !over {
			err = fmt.Errorf("lifecycle: withdraw from %s: %s has not returned: %w", k.name, k.awaited(), err)
		}
		o.unconfirmed = o.unconfirmed || err != nil && !k.isSecret()
		errs = append(errs, err)
	}
	o.absent = time.Time{}
	for _, k := range m.reconcilers {
		if k.isSecret() {
			continue
		}
		since, seen := k.absence()
		if since.IsZero() {
			since = time.Now()
		}
		if since.After(o.absent) {
			o.absent = since
		}
		o.unconfirmed = o.unconfirmed || !seen
	}
	m.noteLate(&o.late.confirmed)
	o.note(func(r *Report) { r.Unconfirmed = o.unconfirmed })
	return errors.Join(errs...)
}

// settleDown waits until the absence is known everywhere: for settle from the moment at which the last registrar showed
// it; for longer where somebody has not.
func (m *Manager) settleDown(ctx context.Context, o *offline) error {
	defer m.noteSettled(o)
	settle := m.settleTime()
	until, cut := o.settleBy(settle)
	waits := time.Now().Before(until)
	pause(ctx, until.Add(-proofLead))
	m.askGone(ctx, o)
	if !waits {
		return errSkipped
	}
	o.late.cut = !pause(ctx, until) || cut
	if cut {
		return fmt.Errorf("lifecycle: settle of %v was cut short: the deadline of Shutdown leaves %v for everything",
			settle, o.plan.budget())
	}
	return nil
}

// awaitRefusal waits, where nobody has confirmed, until withdraw's share of the budget is over.
func (m *Manager) awaitRefusal(ctx context.Context, o *offline) error {
	m.mu.Lock()
	nobody := !m.announced || len(m.reconcilers) == 0
	by := m.drained.Add(o.plan.withdrawBy.Sub(o.plan.trigger))
	m.mu.Unlock()
	if o.unconfirmed || nobody {
		pause(ctx, by)
	}
	return nil
}

// refuse sets the shutdown flag and health NOT_SERVING in the same moment.
func (m *Manager) refuse(*offline) bool {
	if m.calls != nil {
		m.calls.Refuse()
	}
	if m.health != nil {
		m.health.Shutdown()
	}
	m.refusing = true
	m.showReady()
	return true
}

const idlePoll = 5 * time.Millisecond

// idle waits until nothing is in flight, at most until half the budget is used: a stream may go on for ever.
func (m *Manager) idle(ctx context.Context, o *offline) error {
	if m.calls == nil {
		return errSkipped
	}
	unary, streams := m.calls.InFlight()
	for ; unary+streams > 0 && time.Now().Before(o.plan.half); unary, streams = m.calls.InFlight() {
		if !pause(ctx, time.Now().Add(idlePoll)) {
			return nil
		}
	}
	if unary+streams == 0 {
		return nil
	}
	return notQuiet("%d unary calls and %d streams are in flight at half the budget", unary, streams)
}

func notQuiet(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotQuiet, fmt.Sprintf(format, args...))
}

func (m *Manager) tellStreams(o *offline) bool {
	if m.calls == nil {
		return false
	}
	m.calls.TellStreams()
	o.streamsTold = time.Now()
	return true
}

// quieten waits until no RPC was admitted for the quiet time; a refused one counts as traffic too.
func (m *Manager) quieten(ctx context.Context, o *offline) error {
	quiet := m.quietTime()
	began := time.Now()
	limit, wanted := o.quietBy(began, m.policy)
	if m.calls == nil || quiet == 0 || !wanted {
		return errSkipped
	}
	if awaitQuiet(ctx, quiet, limit, func() uint64 { return m.calls.Admitted() + m.calls.Refused() }) || ctx.Err() != nil {
		return nil
	}
	o.late.notQuiet = true
	return notQuiet("no %v without an RPC in %v", quiet, time.Since(began).Round(time.Millisecond))
}
