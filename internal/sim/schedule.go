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
	Nodes   int           // of the registry; each client and each instance has one of them
	Virtual bool          // no registry: clients know one address, and a balancer of connections behind it
	Latency time.Duration // of the network, one way
	Spread  time.Duration // the longest that a subscriber waits for a change of the registry that others know

	Budget, Settle, Quiet, StreamGrace time.Duration
	Successor                          time.Duration // WithSuccessor
	Abandonable                        bool
	Exit                               bool          // an operator's offline ends the process
	EarlyNotice                        bool          // streams are told once withdrawn and settled
	Hook                               time.Duration // what an OnStop hook takes; zero: there is none

	// Group is how many slots are restarted at once, in turn: their successors first, and the old ones when these see
	// them. With 0 slot 0 stays, and the others act on their own.
	Group   int
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

// kept is what the budget keeps for the hook.
func (s *Schedule) kept() time.Duration {
	if s.Hook == 0 {
		return 0
	}
	return min(2*time.Second, s.Budget/5)
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
		Nodes:       1 + r.IntN(3),
		Spread:      between(r, 20*time.Millisecond, 1500*time.Millisecond),
		Budget:      between(r, 8*time.Second, 25*time.Second),
		Quiet:       between(r, 100*time.Millisecond, 500*time.Millisecond),
		StreamGrace: between(r, 0, 5*time.Second),
		Abandonable: r.IntN(3) == 0,
		Exit:        r.IntN(4) == 0,
		EarlyNotice: r.IntN(2) == 0,
	}
	if r.IntN(3) > 0 {
		s.Latency = between(r, 0, 5*time.Millisecond)
	}
	s.Settle = s.Spread + between(r, 0, 500*time.Millisecond)
	s.drawFleet(r)
	s.Faults = drawFaults(r)
	if r.IntN(3) == 0 {
		s.Hook = between(r, time.Millisecond, time.Second)
	}
	deaf := 0.0
	if r.IntN(4) == 0 {
		deaf = 0.004
	}
	kinds := []ClientKind{RoundRobin, RoundRobinHealth, PickFirst, PerInstance, Pinned, Fresh}
	switch {
	case s.Virtual:
		s.Faults, kinds = nil, []ClientKind{RoundRobinHealth, RoundRobinHealth, RoundRobin, PickFirst}[:2+r.IntN(3)]
	case s.Small(): // on every node somebody who knows nobody for a while is seen to
		for range s.Nodes {
			kinds = append(kinds, PerInstance, Fresh)
		}
	}
	for n, k := range kinds {
		c := drawClient(r, k, deaf, s.Virtual)
		if n >= int(clientKinds) {
			c.Every, c.Streams, c.Large = between(r, 20*time.Millisecond, 60*time.Millisecond), 0, 0
			if k == Fresh { // a connection for each call
				c.Every *= 4
			}
		}
		s.Clients = append(s.Clients, c)
	}
	return s
}

// Small tells that there are moments in which a client may know nobody, or nobody but who is going.
func (s Schedule) Small() bool { return s.Virtual || s.Slots == 1 || s.Group > 1 }
