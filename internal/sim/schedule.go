// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"time"
)

// A Schedule is everything that a seed decides before the run begins. What is drawn while it runs comes from sources of
// their own, one for each client, follower and instance, so that it does not depend on who runs first.
type Schedule struct {
	Seed    uint64
	Slots   int           // instances that run at a time
	Latency time.Duration // of the network, one way
	Spread  time.Duration // the longest that a subscriber waits for a change of the registry that others know

	Budget, Settle, Quiet, StreamGrace time.Duration
	Abandonable                        bool
	Exit                               bool // an operator's offline ends the process
	EarlyNotice                        bool // streams are told once withdrawn and settled

	Rolling bool // every slot is restarted in turn; else slot 0 stays, and the others act on their own
	Acts    [][]Act
	Faults  []Fault
	Clients []ClientPlan
}

// An Act is what somebody does to the instance in one slot.
type Act struct {
	Pause    time.Duration // since the act before it
	Kind     ActKind
	SameAddr bool          // the replacement listens where its predecessor did
	Surge    bool          // the replacement is up before its predecessor goes; on another address
	Force    time.Duration // not 0: a second signal comes so long after the first
}

type ActKind int

const (
	Restart ActKind = iota
	Drain
	Resume
	OperatorOffline
	OperatorOnline
)

// A Fault is a time in which the registry does not work as it should.
type Fault struct {
	From, Until time.Duration
	Kind        FaultKind
	Slow        time.Duration // what a request takes
}

type FaultKind int

const (
	Healthy     FaultKind = iota
	Down                  // requests fail at once
	Frozen                // requests get no answer
	Slow                  // requests take long
	Ghost                 // a deregistration is answered, and nothing happens
	Unconfirmed           // a deregistration happens, and its confirmation is lost
)

// ClientKind is how a client uses the list of the registry.
type ClientKind int

const (
	RoundRobin ClientKind = iota
	RoundRobinHealth
	PickFirst
	PerInstance // a channel for each listed instance, taken in turn
	Pinned      // round_robin over every address that was ever listed: it does not hear that one has gone
	Fresh       // a channel for each call, to a random listed instance
	clientKinds
)

var clientKindNames = [...]string{"round_robin", "round_robin with health", "pick_first", "per instance", "pinned", "fresh"}

func (k ClientKind) String() string { return clientKindNames[k] }

// A ClientPlan is one client: its calls, and the long streams that it keeps open.
type ClientPlan struct {
	Kind    ClientKind
	Seed    uint64
	Every   time.Duration // mean time between two calls
	Slow    float64       // share of the calls that take up to 3 s
	Deaf    float64       // share of the calls that take up to 40 s and do not listen to their context
	Large   float64       // share of the calls whose answer fits no window
	Streams int           // kept open
}

// NewSchedule draws the schedule of a seed.
func NewSchedule(seed uint64) Schedule {
	r := rand.New(rand.NewPCG(seed, 0x1a3ed0c4))
	s := Schedule{
		Seed:        seed,
		Slots:       2 + r.IntN(3),
		Spread:      between(r, 20*time.Millisecond, 1500*time.Millisecond),
		Budget:      between(r, 8*time.Second, 25*time.Second),
		Quiet:       between(r, 100*time.Millisecond, 500*time.Millisecond),
		StreamGrace: between(r, 0, 5*time.Second),
		Abandonable: r.IntN(3) == 0,
		Rolling:     r.IntN(3) == 0,
		Exit:        r.IntN(4) == 0,
		EarlyNotice: r.IntN(2) == 0,
	}
	if r.IntN(3) > 0 {
		s.Latency = between(r, 0, 5*time.Millisecond)
	}
	s.Settle = s.Spread + between(r, 0, 500*time.Millisecond)
	s.Acts = make([][]Act, s.Slots)
	for i := range s.Acts {
		switch {
		case s.Rolling:
			s.Acts[i] = []Act{drawRestart(r)}
		case i > 0:
			s.Acts[i] = drawActs(r)
		}
	}
	s.Faults = drawFaults(r)
	deaf := 0.0
	if r.IntN(4) == 0 {
		deaf = 0.004
	}
	for k := range clientKinds {
		s.Clients = append(s.Clients, drawClient(r, k, deaf))
	}
	return s
}
