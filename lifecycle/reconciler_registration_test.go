// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"testing"
	"time"
)

func TestRegistration(t *testing.T) {
	start := time.Now()
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	// The n-th step happens n seconds after the start.
	type step func(r *registration, now time.Time)
	to := func(s RegistrarState, wanted bool) step {
		return func(r *registration, now time.Time) { r.to(s, nil, "", wanted, now) }
	}
	operator := func(offline, wanted bool) step {
		return func(r *registration, now time.Time) { r.heldBy(offline, wanted, now) }
	}
	for name, test := range map[string]struct {
		steps    []step
		presence presence
		absent   time.Time
		seen     bool
	}{
		"registered":                    {[]step{to(Registering, true), to(Registered, true)}, presenceShown, time.Time{}, false},
		"withdrawn":                     {[]step{to(Registered, true), to(Withdrawing, false), to(Withdrawn, false)}, presenceGone, at(2), true},
		"not confirmed":                 {[]step{to(Registered, true), to(Withdrawing, false), to(Unconfirmed, false)}, presenceGivenUp, at(2), false},
		"confirmed at the second try":   {[]step{to(Registered, true), to(Unconfirmed, false), to(Withdrawn, false)}, presenceGone, at(2), true},
		"held":                          {[]step{to(Registered, true), operator(true, true)}, presenceHeld, at(1), true},
		"held, told twice":              {[]step{to(Registered, true), operator(true, true), operator(true, true)}, presenceHeld, at(1), true},
		"held before Register returned": {[]step{to(Registering, true), operator(true, true), to(Registered, true)}, presenceHeld, at(1), true},
		"held, then released":           {[]step{to(Registered, true), operator(true, true), operator(false, true)}, presenceShown, time.Time{}, false},
		"held, then withdrawn":          {[]step{to(Registered, true), operator(true, true), to(Withdrawn, false)}, presenceGone, at(1), true},
		"held, then not confirmed":      {[]step{to(Registered, true), operator(true, true), to(Unconfirmed, false)}, presenceGivenUp, at(1), false},
		"released while it is withdrawn": {
			[]step{to(Registered, true), operator(true, true), to(Withdrawing, false), operator(false, false), to(Withdrawn, false)}, presenceGone, at(4), true,
		},
		"held while it is withdrawn": {
			[]step{to(Registered, true), to(Withdrawing, false), operator(true, false), to(Withdrawn, false)}, presenceGone, at(3), true,
		},
		"wanted again before Deregister returned": {[]step{to(Registered, true), to(Withdrawing, false), to(Withdrawn, true)}, presenceGivenUp, at(2), false},
		"registered again":                        {[]step{to(Registered, true), to(Withdrawn, false), to(Registering, true)}, presenceShown, time.Time{}, false},
	} {
		var r registration
		for n, s := range test.steps {
			s(&r, at(n))
		}
		if since, seen := r.absence(); r.presence != test.presence || !since.Equal(test.absent) || seen != test.seen {
			t.Errorf("%s: %q since %v, seen %t; want %q since %v, seen %t", name, r.presence, since, seen, test.presence, test.absent, test.seen)
		}
	}
}
