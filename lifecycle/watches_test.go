// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// When health Watches hear NOT_SERVING in a shutdown: 600 ms to confirm, 3 s settle, 500 ms quiet.
func TestHealthNotice(t *testing.T) {
	const never = -1
	for _, test := range []struct {
		notice Notice
		policy Policy
		others []time.Duration
		want   time.Duration
	}{
		{AtGoAway, Lossless, nil, never},
		{AtGoAway, Lossless, []time.Duration{0}, never},
		{AtSettled, Lossless, []time.Duration{0}, 3600 * time.Millisecond},
		{AtSettled, Lossless, nil, never}, // nobody else would answer
		{AtTrigger, Lossless, nil, 0},
		{AtGoAway, Strict, nil, 600 * time.Millisecond},
		{AtSettled, Strict, nil, 600 * time.Millisecond},
		{AtTrigger, Strict, nil, 600 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, others := newListingRig(t, WithHealthNotice(test.notice), WithPolicy(test.policy))
			r.run(t)
			others.set(test.others...)
			r.terminate()
			if err := <-r.result; err != nil {
				t.Errorf("Run() = %v, want nil", err)
			}
			if test.want == never {
				if slices.Contains(r.events(), "health.Shutdown") {
					t.Errorf("%v, %v: events = %q, want Watches left alone until they are ended", test.notice, test.policy, r.events())
				}
			} else if got := r.at(t, "health.Shutdown"); got != test.want {
				t.Errorf("%v, %v: Watches heard NOT_SERVING after %v, want %v", test.notice, test.policy, got, test.want)
			}
			if ended, goaway := r.at(t, "health.EndWatches"), r.at(t, "GracefulStop"); ended < goaway {
				t.Errorf("%v, %v: Watches were ended after %v, GOAWAY came after %v", test.notice, test.policy, ended, goaway)
			}
		})
	}
}

// A drain that stays has no GOAWAY: Watches hear of it when settle is over, and while nobody else is listed not even
// then.
func TestWatchesOfADrainThatStays(t *testing.T) {
	for name, drain := range map[string]func(t *testing.T, r *rig){
		"by hand":     func(t *testing.T, r *rig) { _ = r.Drain(t.Context(), DrainLast()) },
		"by operator": func(t *testing.T, r *rig) { r.reg.operator <- false; time.Sleep(10 * time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, others := newListingRig(t)
				r.run(t)
				r.reg.operator <- true
				drain(t, r)
				time.Sleep(time.Hour)
				if slices.Contains(r.events(), "health.Shutdown") {
					t.Errorf("events = %q, want Watches left alone while nobody else is listed", r.events())
				}
				others.set(time.Second)
				time.Sleep(2 * successorLook)
				if !slices.Contains(r.events(), "health.Shutdown") {
					t.Errorf("events = %q, want that Watches hear of it: somebody else is listed", r.events())
				}
				r.terminate()
				<-r.result
			})
		})
	}
}

// What was undone is not said any more, also when somebody comes later.
func TestNoWatchIsToldAfterAnUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, others := newListingRig(t)
		r.run(t)
		if err := r.Drain(t.Context(), DrainLast()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if err := r.Resume(t.Context()); err != nil {
			t.Errorf("Resume() = %v, want nil", err)
		}
		others.set(time.Second)
		time.Sleep(time.Hour)
		if slices.Contains(r.events(), "health.Shutdown") {
			t.Errorf("events = %q, want no NOT_SERVING of a drain that was undone", r.events())
		}
		r.terminate()
		<-r.result
	})
}
