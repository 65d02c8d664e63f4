// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Nobody drains the last instance by accident.
func TestDrainOfTheLastInstance(t *testing.T) {
	for _, c := range []struct {
		name   string
		others func(*listing)
		opts   []DrainOption
		want   error
	}{
		{"nobody else", func(l *listing) { l.set() }, nil, ErrLastInstance},
		{"nobody else that is usable", func(l *listing) { l.list = []Other{{Addr: "10.0.0.1:1"}} }, []DrainOption{nil}, ErrLastInstance},
		{"nobody else, and it is meant", func(l *listing) { l.set() }, []DrainOption{DrainLast()}, nil},
		{"somebody else", func(l *listing) { l.set(0) }, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, l := newListingRig(t)
				c.others(l)
				r.run(t)
				err := r.Drain(t.Context(), c.opts...)
				if !errors.Is(err, c.want) {
					t.Errorf("Drain() = %v, want %v", err, c.want)
				}
				s := r.Status()
				if refused := c.want != nil; refused != (s.State == Serving) || refused && len(r.events()) > 0 {
					t.Errorf("state %v, events %q; want nothing changed: %t", s.State, r.events(), refused)
				}
				if c.want != nil && !strings.Contains(err.Error(), "nacos; DrainLast()") {
					t.Errorf("Drain() = %v, want it to name the registrar, and what helps", err)
				}
				r.terminate()
				<-r.result
			})
		})
	}
}

// What is not known is no reason to keep an instance: a registry that never listed us knows nobody.
func TestDrainWhereTheOthersAreNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l := newListingRig(t)
		l.set()
		r.reg.register = hang
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		r.terminate()
		<-r.result
	})
}

// One registrar that knows another instance is enough.
func TestDrainWhereOneOfTwoKnowsAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, l := newListingRig(t)
		l.set()
		second := &listing{fakeRegistrar: newFakeRegistrar(r.recorder, "balancer")}
		second.set(0)
		r.Manager = New(r.server, WithCalls(r.calls), WithRegistrar(l), WithRegistrar(second))
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		r.terminate()
		<-r.result
	})
}

// A signal and an operator are obeyed, with one warning, and it is shown.
func TestLastInstanceIsSaid(t *testing.T) {
	for name, trigger := range map[string]func(*rig){
		"signal":   func(r *rig) { r.terminate() },
		"operator": func(r *rig) { r.reg.operator <- false },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var warnings []string
				r, l := newListingRig(t, WithLogger(slog.New(sink{line: func(l slog.Record) {
					if l.Level == slog.LevelWarn {
						warnings = append(warnings, l.Message)
					}
				}})))
				l.set()
				r.run(t)
				trigger(r)
				time.Sleep(time.Minute)
				synctest.Wait()
				if !slices.Equal(warnings, []string{"no other usable instance is listed"}) || !r.Report().Last {
					t.Errorf("warnings %q, Report.Last %t; want one, true", warnings, r.Report().Last)
				}
				if name == "operator" {
					if s := r.Status(); !s.Last || s.State != Draining {
						t.Errorf("Status %+v, want the last one, draining", s)
					}
					r.terminate()
				}
				<-r.result
			})
		})
	}
}
