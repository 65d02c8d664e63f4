// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A Schedule is everything that a seed decides before the run begins. What the clients draw while it runs comes from
// sources of their own, one for each client, so that it does not depend on who runs first.
type Schedule struct {
	Seed    uint64
	Slots   int           // instances that run at a time
	Latency time.Duration // of the network, one way
	Spread  time.Duration // the longest a subscriber waits for a change of the registry

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
	Fresh       // a channel for each call, to a random listed instance
	clientKinds
)

var clientKindNames = [...]string{"round_robin", "round_robin with health", "pick_first", "per instance", "fresh"}

func (k ClientKind) String() string { return clientKindNames[k] }

// A ClientPlan is one client: its calls, and the long streams that it keeps open.
type ClientPlan struct {
	Kind    ClientKind
	Seed    uint64
	Every   time.Duration // mean time between two calls
	Slow    float64       // share of the calls that take up to 3 s
	Deaf    float64       // share of the calls that take up to 40 s and do not listen to their context
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
	}
	if r.IntN(3) > 0 {
		s.Latency = between(r, 0, 5*time.Millisecond)
	}
	s.Settle = s.Spread + between(r, 0, 500*time.Millisecond)
	s.Acts = make([][]Act, s.Slots)
	for i := range s.Acts {
		switch {
		case s.Rolling:
			s.Acts[i] = []Act{restart(r)}
		case i > 0:
			s.Acts[i] = acts(r)
		}
	}
	s.Faults = faults(r)
	deaf := 0.0
	if r.IntN(4) == 0 {
		deaf = 0.004
	}
	for k := range clientKinds {
		c := ClientPlan{Kind: k, Seed: r.Uint64(), Every: between(r, 30*time.Millisecond, 400*time.Millisecond), Slow: 0.02, Deaf: deaf}
		if k != Fresh && r.IntN(2) == 0 {
			c.Streams = 1 + r.IntN(4)
		}
		s.Clients = append(s.Clients, c)
	}
	s.Exit, s.EarlyNotice = r.IntN(4) == 0, r.IntN(4) == 0
	return s
}

// acts draws what happens to one slot: some acts in any order, and a restart in the end.
func acts(r *rand.Rand) []Act {
	var acts []Act
	for range r.IntN(6) {
		a := Act{Kind: ActKind(r.IntN(int(OperatorOnline) + 1)), Pause: between(r, 0, 5*time.Second)}
		switch {
		case a.Kind == Restart:
			a = restart(r)
		case r.IntN(3) == 0:
			a.Pause = between(r, 0, 300*time.Millisecond)
		}
		acts = append(acts, a)
	}
	return append(acts, restart(r))
}

func restart(r *rand.Rand) Act {
	a := Act{Kind: Restart, Pause: between(r, 0, 3*time.Second), Surge: r.IntN(2) == 0}
	a.SameAddr = !a.Surge && r.IntN(2) == 0
	if r.IntN(12) == 0 {
		a.Force = between(r, time.Millisecond, 6*time.Second)
	}
	return a
}

func faults(r *rand.Rand) []Fault {
	var faults []Fault
	for range max(0, r.IntN(5)-1) {
		from := between(r, 0, 25*time.Second)
		faults = append(faults, Fault{
			From: from, Until: from + between(r, 100*time.Millisecond, 8*time.Second),
			Kind: Down + FaultKind(r.IntN(int(Unconfirmed))), Slow: between(r, 100*time.Millisecond, 6*time.Second),
		})
	}
	slices.SortFunc(faults, func(a, b Fault) int { return cmp.Compare(a.From, b.From) })
	return faults
}

// between draws with the resolution of the clock: two things that nothing ties together do not happen in one instant.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return low + time.Duration(r.Int64N(int64(high-low)))
}
