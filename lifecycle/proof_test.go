// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A provingRegistrar can say whether others still list the instance.
type provingRegistrar struct {
	*fakeRegistrar
	gone func(context.Context) error
}

func (r provingRegistrar) Gone(ctx context.Context) error {
	r.add("nacos.Gone")
	return r.gone(ctx)
}

func newProvingRig(t *testing.T, gone func(r *rig) func(context.Context) error, opts ...Option) *rig {
	r := newRig(t)
	r.Manager = New(r.server, append([]Option{
		WithCalls(r.calls), WithHealth(r.health), WithRegistrar(provingRegistrar{r.reg, gone(r)}),
	}, opts...)...)
	return r
}

var errListed = errors.New("still listed by node 2")

// 600 ms to confirm, 3 s settle, 500 ms quiet; half the budget is 12.5 s.
func TestProof(t *testing.T) {
	const asExpected = 4100 * time.Millisecond
	always := func(err error) func(*rig) func(context.Context) error {
		return func(*rig) func(context.Context) error { return func(context.Context) error { return err } }
	}
	for _, test := range []struct {
		name        string
		gone        func(*rig) func(context.Context) error
		opts        []Option
		want        time.Duration // until GracefulStop
		unconfirmed bool
		listed      string // in Report.StillListed
		unproven    string // in Report.Unproven
	}{
		{name: "gone", gone: always(nil), want: asExpected},
		{name: "listed for good", gone: always(errListed), want: DefaultBudget / 2, unconfirmed: true, listed: "node 2"},
		{name: "listed for a while", gone: func(r *rig) func(context.Context) error {
			return func(context.Context) error {
				if time.Since(r.began) < 8*time.Second {
					return errListed
				}
				return nil
			}
		}, want: 9100 * time.Millisecond, listed: "node 2"},
		{name: "not known", gone: always(unproven{errors.New("no such path")}), want: asExpected, unproven: "no such path"},
		{name: "no answer", gone: func(*rig) func(context.Context) error { return hang }, want: asExpected, unproven: "no answer in time"},
		{
			name: "no answer, no quiet", gone: func(*rig) func(context.Context) error { return hang }, opts: []Option{WithQuiet(0)},
			want: asExpected - DefaultQuiet, unproven: "no answer in time",
		},
		{name: "listed, then not known", gone: func(r *rig) func(context.Context) error {
			return func(context.Context) error {
				if time.Since(r.began) < 8*time.Second {
					return errListed
				}
				return errNoAnswer
			}
		}, want: 8100 * time.Millisecond, listed: "node 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newProvingRig(t, test.gone, test.opts...)
				r.run(t)
				r.terminate()
				err := <-r.result
				if got := r.at(t, "GracefulStop"); (got - test.want).Abs() > 600*time.Millisecond {
					t.Errorf("GracefulStop after %v, want %v", got, test.want)
				}
				if got := r.at(t, "nacos.Gone"); got < r.at(t, "nacos absent")+r.reg.settle-proofLead {
					t.Errorf("asked after %v, want it when settle is nearly over", got)
				}
				report := r.Report()
				if (err != nil) != test.unconfirmed || report.Unconfirmed != test.unconfirmed || ExitCode(err) != 0 {
					t.Errorf("Run() = %v, unconfirmed %t, exit code %d; want an error: %t, and 0", err, report.Unconfirmed, ExitCode(err), test.unconfirmed)
				}
				if got := strings.Join(report.StillListed, ", "); !strings.Contains(got, test.listed) || test.listed == "" && got != "" {
					t.Errorf("StillListed = %q, want %q", got, test.listed)
				}
				if got := strings.Join(report.Unproven, ", "); !strings.Contains(got, test.unproven) || test.unproven == "" && got != "" {
					t.Errorf("Unproven = %q, want %q", got, test.unproven)
				}
			})
		})
	}
}

// What the registrar itself has not confirmed needs no proof; an operator's offline is one for everybody.
func TestNothingToProve(t *testing.T) {
	for name, arrange := range map[string]func(*rig){
		"unconfirmed": func(r *rig) { r.reg.deregister = func(context.Context) error { return errBroken }; r.terminate() },
		"parked":      func(r *rig) { r.reg.operator <- true; r.reg.operator <- false },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newProvingRig(t, func(*rig) func(context.Context) error { return func(context.Context) error { return errListed } })
				r.run(t)
				arrange(r)
				time.Sleep(time.Minute)
				if got := r.events(); slices.Contains(got, "nacos.Gone") {
					t.Errorf("events = %q, want nobody asked", got)
				}
				r.terminate()
				<-r.result
			})
		})
	}
}

// A drain that stays has no hurry: it is said, and nothing waits.
func TestProofOfADrainThatStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProvingRig(t, func(*rig) func(context.Context) error { return func(context.Context) error { return errListed } })
		r.run(t)
		if err := r.Drain(t.Context()); !errors.Is(err, errListed) {
			t.Errorf("Drain() = %v, want who still lists it", err)
		}
		if got := time.Since(r.began); got > 5*time.Second {
			t.Errorf("Drain took %v, want no longer than without", got)
		}
		if got := r.Report(); got.Outcome != OutcomeUnconfirmed || len(got.StillListed) != 1 {
			t.Errorf("Report = %+v, want unconfirmed, and who lists it", got)
		}
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		r.terminate()
		<-r.result
	})
}
