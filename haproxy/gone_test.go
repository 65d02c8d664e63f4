// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"strings"
	"testing"
)

func TestGone(t *testing.T) {
	const sends, gone, mute = "sends", "gone", "mute"
	for name, test := range map[string]struct {
		balancers []string
		want      string // in the error; empty: none
		unproven  bool
	}{
		"everywhere":                         {[]string{gone, gone}, "", false},
		"one sends":                          {[]string{gone, sends}, "unix:2", false},
		"one is not to be asked":             {[]string{mute, gone}, "unix:1", true},
		"one sends, one is not to be asked":  {[]string{mute, sends}, "unix:2", false},
		"nobody is to be asked":              {[]string{mute, mute}, "unix:1", true},
		"both send, so that nothing is gone": {[]string{sends, sends}, "unix:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, len(test.balancers), func(t *testing.T, r *rig) {
				if err := r.Gone(t.Context()); err != nil {
					t.Errorf("before Register Gone() = %v, want nil", err)
				}
				r.mustRegister()
				r.mustDeregister()
				for i, state := range test.balancers {
					switch f := r.fakes[i]; state {
					case sends:
						f.change(func(s *server) { s.agent = 22 })
						f.operate(stateReady)
					case mute:
						f.fail(refusing, "")
					}
				}
				err := r.Gone(t.Context())
				if (err == nil) != (test.want == "") || !strings.Contains(errText(err), test.want) {
					t.Errorf("Gone() = %v, want %q", err, test.want)
				}
				if e, ok := errors.AsType[unprovenError](err); ok != test.unproven || ok && !e.Unproven() {
					t.Errorf("Gone() = %v, unproven: %v, want %v", err, ok, test.unproven)
				}
				if err != nil && !test.unproven && !strings.Contains(err.Error(), "agent-check") {
					t.Errorf("Gone() = %v, want one that names the agent-check", err)
				}
			})
		})
	}
}
