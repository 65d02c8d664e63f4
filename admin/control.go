// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// control is the answer to a POST.
type control struct {
	State    lifecycle.State `json:"state"`
	Deadline time.Time       `json:"deadline,omitzero"`
	Error    string          `json:"error,omitempty"`
}

// refusals are the errors with which the Manager begins nothing.
var refusals = []error{
	lifecycle.ErrStopping,
	lifecycle.ErrLastInstance,
	lifecycle.ErrOfflineByOperator,
	lifecycle.ErrFromHandler,
}

func (h *handler) drain(r *http.Request, p parameters) (int, any) {
	var opts []lifecycle.DrainOption
	if p.last {
		opts = append(opts, lifecycle.DrainLast())
	}
	return h.carryOut(r, p, "drain", func(ctx context.Context) error { return h.manager.Drain(ctx, opts...) })
}

func (h *handler) resume(r *http.Request, p parameters) (int, any) {
	return h.carryOut(r, p, "registration", h.manager.Resume)
}

func (h *handler) force(*http.Request, parameters) (int, any) {
	h.manager.Force()
	return h.answer(http.StatusAccepted, nil)
}

// carryOut does what the Manager calls what.
func (h *handler) carryOut(r *http.Request, p parameters, what string, do func(context.Context) error) (int, any) {
	if p.wait > 0 {
		return h.await(r, p.wait, what, do)
	}
	err := begin(r, do)
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return h.answer(http.StatusConflict, err)
		}
	}
	return h.answer(http.StatusAccepted, nil)
}

func (h *handler) shutdown(r *http.Request, p parameters) (int, any) {
	if p.wait > 0 && h.manager.WaitsFor(r.Context()) {
		return h.answer(http.StatusConflict, fmt.Errorf("%w: nothing was begun; leave out wait, or serve this from a server of its own", lifecycle.ErrFromHandler))
	}
	asked := time.Now()
	_ = begin(r, func(ctx context.Context) error {
		if p.budget == nil {
			return h.manager.ShutdownByHand(ctx)
		}
		ctx, cancel := context.WithTimeout(ctx, *p.budget)
		defer cancel()
		return h.manager.ShutdownByHand(ctx)
	})
	if p.budget != nil {
		s := h.manager.Status()
		if s.State != lifecycle.Stopped && s.Deadline.Sub(asked)-time.Second > *p.budget {
			return h.answer(http.StatusConflict, fmt.Errorf("a shutdown with a longer budget is under way, until %s; POST /force ends it",
				s.Deadline.Format(time.RFC3339)))
		}
	}
	if p.wait > 0 {
		return h.await(r, p.wait, "shutdown", h.manager.ShutdownByHand)
	}
	return h.answer(http.StatusAccepted, nil)
}

// await does something and waits for its end, for as long as the client does.
func (h *handler) await(r *http.Request, wait time.Duration, what string, do func(context.Context) error) (int, any) {
	waited := fmt.Errorf("waited for %v; the %s goes on", wait, what)
	ctx, cancel := context.WithCancelCause(r.Context()) // no deadline: that of Shutdown is a budget
	defer cancel(nil)
	timer := time.AfterFunc(wait, func() { cancel(waited) })
	defer timer.Stop()
	if err := do(ctx); err != nil {
		return h.answer(http.StatusConflict, err)
	}
	return h.answer(http.StatusOK, nil)
}

func (h *handler) answer(code int, err error) (int, any) {
	s := h.manager.Status()
	a := control{State: s.State, Deadline: s.Deadline}
	if err != nil {
		a.Error = err.Error()
		if errors.Is(err, lifecycle.ErrLastInstance) {
			a.Error += " (by HTTP: ?last=true)"
		}
		if s.Phase != nil && s.Phase.Waits != "" {
			a.Error += fmt.Sprintf(" (phase %s waits for %s)", s.Phase.Name, s.Phase.Waits)
		}
	}
	return code, a
}

var errNotWaited = errors.New("admin: not waited for")

// begin has the Manager begin something, and does not wait: the methods of the Manager take the end of a context for
// the end of the wait only. So it does not matter whether the Manager waits for this request.
func begin(r *http.Request, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	cancel(errNotWaited)
	err := do(ctx)
	if errors.Is(err, lifecycle.ErrFromHandler) {
		ctx, cancel = context.WithCancelCause(context.Background())
		cancel(errNotWaited)
		err = do(ctx)
	}
	return err
}
