// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// proofLead is how long before the end of settle the registrars are asked whether nobody lists the instance any
	// more, so that an answer that takes its time, or does not come, makes nothing longer.
	proofLead = 500 * time.Millisecond
	// proofAgain passes between two questions to a registrar where somebody still lists it.
	proofAgain = 500 * time.Millisecond
	// proofTimes is how often in a row nobody must list it then: behind a virtual address each question may be for
	// another node.
	proofTimes = 3
)

// A proof is the answer of one registrar that has confirmed the absence.
type proof struct {
	name string
	gone func(context.Context) error
	done chan struct{}
	err  error // once done
}

// askGone asks the registrars that have confirmed the absence, and can, whether everybody else hands it out, too.
func (m *Manager) askGone(ctx context.Context, o *offline) {
	if !o.kind.withdraws() {
		return
	}
	ctx, o.stopProofs = context.WithCancel(ctx)
	for _, k := range m.reconcilers {
		r, ok := k.registrar.(prover)
		if _, seen := k.absence(); !ok || !seen || k.isSecret() {
			continue
		}
		p := &proof{name: k.name, gone: r.Gone, done: make(chan struct{})}
		o.proofs = append(o.proofs, p)
		m.work.Go(func() { // a drain is part of work, and a shutdown ends it
			defer close(p.done)
			p.err = k.call("Gone", func() error { return p.gone(ctx) })
		})
	}
	if len(o.proofs) == 0 {
		o.stopProofs()
	}
}

// proveGone looks at the answers. Where somebody still lists the instance, the lame duck lives until they do not, or
// for half the budget, as it does for an absence that was not confirmed. What cannot be known changes nothing.
func (m *Manager) proveGone(ctx context.Context, o *offline) error {
	if len(o.proofs) == 0 {
		return errSkipped
	}
	o.stopProofs()
	var errs []error
	for _, p := range o.proofs {
		err := p.answer()
		switch {
		case err == nil:
		case isUnproven(err):
			m.log.Info("it is not known whether everybody has heard of the absence", "registrar", p.name, "err", err)
			o.note(func(r *Report) { r.Unproven = append(r.Unproven, err.Error()) })
		default:
			m.log.Warn("absent, and still listed elsewhere", "registrar", p.name, "err", err)
			o.note(func(r *Report) { r.StillListed = append(r.StillListed, err.Error()) })
			errs = append(errs, m.awaitGone(ctx, o, p, err))
		}
	}
	err := errors.Join(errs...)
	if err != nil {
		o.unconfirmed = true
		o.note(func(r *Report) { r.Unconfirmed = true })
	}
	return err
}

// awaitGone asks again until nobody lists the instance. In a drain that stays there is no hurry: it is only said.
func (m *Manager) awaitGone(ctx context.Context, o *offline, p *proof, err error) error {
	by := o.goneBy()
	clear := 0
	for err != nil && !isUnproven(err) && time.Now().Before(by) && pause(ctx, earlier(time.Now().Add(proofAgain), by)) {
		if !time.Now().Before(by) {
			break
		}
		limited, cancel := context.WithDeadline(ctx, by)
		switch again := p.gone(limited); {
		case limited.Err() != nil:
		case again == nil:
			if clear++; clear == proofTimes {
				err = nil
			}
		default:
			err, clear = again, 0
		}
		cancel()
	}
	if err == nil || isUnproven(err) {
		return nil
	}
	return fmt.Errorf("lifecycle: withdraw from %s: %w", p.name, err)
}

// answer does not wait.
func (p *proof) answer() error {
	select {
	case <-p.done:
		return p.err
	default:
		return errNoAnswer
	}
}

var errNoAnswer = unproven{errors.New("no answer in time")}

type unproven struct{ error }

func (unproven) Unproven() bool { return true }

func isUnproven(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Unproven() bool
	}](err)
	return ok && e.Unproven()
}
