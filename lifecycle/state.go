// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"fmt"
	"slices"
	"strings"
)

// State is where an instance stands on its way. The states follow each other in the order of the constants; only
// Draining may go back, to Serving.
type State int

const (
	Starting State = iota // not yet announced
	Serving               // announced as ready; registered, or about to be
	Draining              // lame duck: announced as going, calls are still served (Lossless) or, once it is withdrawn, refused (Strict)
	Stopping              // GracefulStop has begun: there is no way back
	Stopped               // over
)

var stateNames = [...]string{"starting", "serving", "draining", "stopping", "stopped"}

// String returns the name of the state in lower case.
func (s State) String() string {
	if s < 0 || int(s) >= len(stateNames) {
		return fmt.Sprintf("State(%d)", int(s))
	}
	return stateNames[s]
}

// MarshalText writes the name, so that JSON shows it.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *State) UnmarshalText(text []byte) error {
	i, err := named("state", stateNames[:], text)
	if err == nil {
		*s = State(i)
	}
	return err
}

// named returns the place of a name in the list of all.
func named(what string, names []string, text []byte) (int, error) {
	i := slices.Index(names, string(text))
	if i < 0 {
		return 0, fmt.Errorf("lifecycle: %s %q is not known, want one of %s", what, text, strings.Join(names, ", "))
	}
	return i, nil
}

// Policy decides what happens to calls that arrive while the instance drains.
type Policy int

const (
	// Lossless serves every call until GOAWAY moves the clients on. It is the default.
	Lossless Policy = iota
	// Strict refuses calls with UNAVAILABLE from the moment at which the registry has confirmed the absence, and begins
	// GracefulStop when nothing is in flight any more, or half the budget is used. It loses the calls of clients that
	// have not heard yet.
	Strict
)

var policyNames = [...]string{"lossless", "strict"}

// String returns the name of the policy in lower case.
func (p Policy) String() string {
	if p < 0 || int(p) >= len(policyNames) {
		return fmt.Sprintf("Policy(%d)", int(p))
	}
	return policyNames[p]
}

// MarshalText writes the name, so that JSON shows it.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Policy) UnmarshalText(text []byte) error {
	i, err := named("policy", policyNames[:], text)
	if err == nil {
		*p = Policy(i)
	}
	return err
}

// RegistryOffline decides what an operator's offline at all registrars does.
type RegistryOffline int

const (
	// Park drains and stays, and serves again when an operator puts the instance online. It is the default.
	Park RegistryOffline = iota
	// Exit drains and stops. An offline that was already there when the instance registered, at Start or after Resume,
	// parks all the same, or a supervisor would restart the process in a loop.
	Exit
)

var registryOfflineNames = [...]string{"park", "exit"}

// String returns the name in lower case.
func (r RegistryOffline) String() string {
	if r < 0 || int(r) >= len(registryOfflineNames) {
		return fmt.Sprintf("RegistryOffline(%d)", int(r))
	}
	return registryOfflineNames[r]
}

// MarshalText writes the name.
func (r RegistryOffline) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *RegistryOffline) UnmarshalText(text []byte) error {
	i, err := named("answer to an operator's offline", registryOfflineNames[:], text)
	if err == nil {
		*r = RegistryOffline(i)
	}
	return err
}

// Notice is a moment of an offline at which somebody is told: the open streams by WithStreamNotice, the health Watches
// by WithHealthNotice.
type Notice int

const (
	// AtGoAway is once GracefulStop has begun: clients move on by themselves then, and what they open again they open
	// elsewhere. It is the default of both.
	AtGoAway Notice = iota
	// AtWithdrawn, for streams, is once the instance is withdrawn and settled. It gives streams more time, but a client
	// that holds on to this address (pick_first) opens its stream here again, and again. Drain and Park tell them too.
	AtWithdrawn
	// AtSettled, for health Watches, is once settle is over. Calls of a client that has no other address then fail.
	AtSettled
	// AtTrigger, for health Watches, is the trigger. Calls of a client that has not heard of any other address yet
	// fail, although this server would answer them.
	AtTrigger
)

var noticeNames = [...]string{"at goaway", "at withdrawn", "at settled", "at trigger"}

// String returns the name of the moment.
func (n Notice) String() string {
	if n < 0 || int(n) >= len(noticeNames) {
		return fmt.Sprintf("Notice(%d)", int(n))
	}
	return noticeNames[n]
}

// MarshalText writes the name.
func (n Notice) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (n *Notice) UnmarshalText(text []byte) error {
	i, err := named("moment", noticeNames[:], text)
	if err == nil {
		*n = Notice(i)
	}
	return err
}
