// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// Make says how to get what is tested, and how patient to be with it. Only World is needed.
type Make struct {
	// World makes a registry, or a part of one that nobody else uses, for one subtest. What has to be undone is t.Cleanup's;
	// the Registrar is closed before that. Subtests run in parallel, so World is called concurrently. It reports its own
	// failures by t.
	World func(t testing.TB) World

	// Bubble runs each subtest in a bubble of package testing/synctest, in fake time: for a Registrar and a registry that
	// are wholly in memory. World is called inside the bubble.
	Bubble bool

	// Patience is the most that a call may take while nothing is wrong, and that what has to happen may take to be seen.
	// Zero means DefaultPatience.
	Patience time.Duration
	// Heed is how long after the end of its context a method may take to return. Zero means DefaultHeed.
	Heed time.Duration
	// Stay is how long the suite looks at what has to stay as it is: listed, withdrawn. Make it longer than a change takes
	// to reach consumers, and than the pause between two looks of a Registrar that looks again and again. Zero means
	// DefaultStay.
	Stay time.Duration
	// Quiet is how long the suite listens to a Watch that must not tell anything. Make it longer than the Registrar takes
	// to tell of an operator's offline. Zero means DefaultQuiet.
	Quiet time.Duration
	// Lag is by how much World.Listed may be behind what the registry has shown to the Registrar. Zero: not at all.
	Lag time.Duration
}

// The defaults of Make.
const (
	DefaultPatience = 20 * time.Second
	DefaultHeed     = 3 * time.Second
	DefaultStay     = 2 * time.Second
	DefaultQuiet    = 2 * time.Second
)

// A World is a registry with a Registrar in it, and the levers of that registry. New and Listed are needed; a subtest
// whose lever is nil is skipped, and says which one is missing. A lever returns when it has had its effect on the registry;
// what the Registrar learns of it, and when, is the Registrar's. It reports its own failures by the t that World was given.
// A lever that returns a function is undone by it, and the suite calls that function once.
type World struct {
	// New returns a Registrar of which no method was called. It is called once.
	New func() (lifecycle.Registrar, error)
	// Addr is the listener's address, which Register is given. Nil means 127.0.0.1:50051.
	Addr net.Addr

	// Listed tells whether consumers are handed the instance now: the truth, read past the Registrar. Of a balancer it
	// tells whether new requests are sent to the instance. It is called often.
	Listed func() bool

	// Offline and Online are what an operator does to the instance, while it is registered and, where the registry lets
	// them, after its Deregister: there they may do nothing.
	Offline, Online func()

	// Unreachable makes the registry refuse connections and requests, and lose those that are open. What consumers have
	// may stay.
	Unreachable func() (restore func())
	// Freeze makes the registry answer nothing, while connections stay open.
	Freeze func() (thaw func())
	// Reconnect breaks the Registrar's connection; the registry takes a new one at once.
	Reconnect func()
	// Refuse makes the registry say no to what the Registrar asks for: for want of rights, for example.
	Refuse func() (allow func())

	// Lose makes the registry lose the registration by itself, without a word to the Registrar. Where that cannot be, it
	// is nil.
	Lose func()
	// Return brings an instance that was withdrawn back onto the list, as a registration does that was on its way, or a
	// reload of a balancer that forgets its drains.
	Return func()

	// Join lists another usable instance of the same service, group and cluster at addr, an IP and a port. leave takes it
	// out again.
	Join func(addr string) (leave func())
}

func (m Make) withDefaults() (Make, error) {
	var errs []error
	if m.World == nil {
		errs = append(errs, errors.New("registrartest: Make.World is nil"))
	}
	for _, d := range []struct {
		name  string
		value *time.Duration
		unset time.Duration
	}{
		{"Patience", &m.Patience, DefaultPatience},
		{"Heed", &m.Heed, DefaultHeed},
		{"Stay", &m.Stay, DefaultStay},
		{"Quiet", &m.Quiet, DefaultQuiet},
		{"Lag", &m.Lag, 0},
	} {
		if *d.value < 0 {
			errs = append(errs, errors.New("registrartest: Make."+d.name+" is negative"))
		}
		if *d.value == 0 {
			*d.value = d.unset
		}
	}
	return m, errors.Join(errs...)
}

func (w World) withDefaults() (World, error) {
	if w.Addr == nil {
		w.Addr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50051}
	}
	var errs []error
	if w.New == nil {
		errs = append(errs, errors.New("registrartest: World.New is nil"))
	}
	if w.Listed == nil {
		errs = append(errs, errors.New("registrartest: World.Listed is nil: without the truth nothing can be tested"))
	}
	return w, errors.Join(errs...)
}
