// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle/internal/serial"
)

// A Manager owns the way of an instance from starting to stopped. It is made by New, serves one instance once, and all
// its methods are safe for concurrent use.
type Manager struct {
	config
	server      Server
	reconcilers []*reconciler
	states      serial.Queue
	lines       serial.Queue // of the log

	telemetry *telemetry

	begun         chan struct{} // closed when Shutdown has begun
	work          sync.WaitGroup
	adminsServing sync.WaitGroup

	// mu guards what follows and the state of the reconcilers. Calls and Health are told with it held: who looks at
	// several of them sees one step.
	mu            sync.Mutex
	state         State
	ready         bool
	unlisted      bool // WithReadyUnlisted: registrars have been tried for long enough
	refusing      bool // Strict: calls are refused
	started       bool // Start was called
	preparing     bool // a function of WithBeforeRegister has not returned
	announced     bool // registrars may be asked
	running       bool
	listeners     []listener
	toldUnwatched bool
	closedAt      time.Time // when somebody else has closed a listener
	tally         tally
	course
	stopWork context.CancelCauseFunc // ends what Start began
}

// New makes a Manager for s. It starts nothing and touches no registry; what is wrong with its arguments is an error of
// Run and Start. The Manager stops s, also when it did not serve it.
func New(s Server, opts ...Option) *Manager {
	m := &Manager{config: newConfig(opts), server: s, begun: make(chan struct{})}
	m.log = slog.New(serial.LogHandler(m.log.Handler(), &m.lines))
	var err error
	if m.telemetry, err = newTelemetry(&m.config); err != nil {
		m.log.Warn("metrics are incomplete", "err", err)
	}
	for i, r := range m.registrars {
		m.reconcilers = append(m.reconcilers, newReconciler(r, m.nameOf(r, i), m.log, &m.mu, m.showReady))
	}
	return m
}

// nameOf is what a registrar says of itself, or its number; two that are alike can be told apart.
func (m *Manager) nameOf(r Registrar, i int) string {
	name := fmt.Sprintf("registrar %d", i+1)
	if s, ok := r.(fmt.Stringer); ok {
		name = s.String()
	}
	alike := 1
	for _, k := range m.reconcilers {
		if k.name == name || strings.HasPrefix(k.name, name+" #") {
			alike++
		}
	}
	if alike > 1 {
		name = fmt.Sprintf("%s #%d", name, alike)
	}
	return name
}

// check tells what is wrong with what New was given.
func (m *Manager) check() error {
	if m.server == nil {
		return errors.New("lifecycle: New: the server is nil")
	}
	if m.envErr != nil {
		return m.envErr
	}
	if m.callsAgain {
		return errors.New("lifecycle: WithCalls: given twice; give one Tracker to all servers")
	}
	if c, ok := m.calls.(attacher); ok && !c.Attached() {
		return errors.New("lifecycle: WithCalls: no server has the interceptors of the Tracker: " +
			"grpc.NewServer(tracker.ServerOptions()...), or tracker.Handler around an http.Handler")
	}
	for i, r := range m.registrars {
		if first := slices.IndexFunc(m.registrars[:i], func(other Registrar) bool { return same(r, other) }); first >= 0 {
			return fmt.Errorf("lifecycle: WithRegistrar: %s was given twice", m.reconcilers[first].name)
		}
	}
	if err := m.checkAdmins(); err != nil {
		return err
	}
	for i, s := range m.stages {
		switch {
		case s.name == "":
			return fmt.Errorf("lifecycle: WithStage: stage %d has no name", i+1)
		case len(s.name) > stageNameMost:
			return fmt.Errorf("lifecycle: WithStage: the name of stage %d has more than %d bytes", i+1, stageNameMost)
		}
		if slices.ContainsFunc(m.stages[:i], func(other stage) bool { return other.name == s.name }) {
			return fmt.Errorf("lifecycle: WithStage: two stages are named %q", s.name)
		}
	}
	switch {
	case m.policy != Lossless && m.policy != Strict:
		return fmt.Errorf("lifecycle: WithPolicy: %v is neither Lossless nor Strict", m.policy)
	case m.registryOffline != Park && m.registryOffline != Exit:
		return fmt.Errorf("lifecycle: WithRegistryOffline: %d is neither Park nor Exit", m.registryOffline)
	case m.streamNotice != AtGoAway && m.streamNotice != AtWithdrawn:
		return fmt.Errorf("lifecycle: WithStreamNotice: %v is neither AtGoAway nor AtWithdrawn", m.streamNotice)
	case m.healthNotice != AtGoAway && m.healthNotice != AtSettled && m.healthNotice != AtTrigger:
		return fmt.Errorf("lifecycle: WithHealthNotice: %v is none of AtGoAway, AtSettled and AtTrigger", m.healthNotice)
	}
	if settle, most := m.settleTime(), settleMost(m.budget, m.hasHooks()); m.policy == Lossless && settle > most {
		given := ""
		if m.settle == nil {
			given = " (not given: the default)"
		}
		return fmt.Errorf("lifecycle: WithSettle: settle of %v%s is more than the %v that a budget of %v leaves for it; raise WithBudget or lower WithSettle",
			settle, given, most, m.budget)
	}
	if settle := m.settleTime(); m.successor > 0 && settle >= m.budget/2 {
		return fmt.Errorf("lifecycle: WithSuccessor: settle of %v and a budget of %v leave no time for it; raise WithBudget or lower WithSettle",
			settle, m.budget)
	}
	return nil
}

// same compares what may not be comparable.
func same(a, b any) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	return x.IsValid() && y.IsValid() && x.Comparable() && y.Comparable() && a == b
}

func (m *Manager) settleTime() time.Duration {
	if m.settle != nil {
		return *m.settle
	}
	var longest *time.Duration
	for _, k := range m.reconcilers {
		if k.settle != nil && (longest == nil || *k.settle > *longest) {
			longest = k.settle
		}
	}
	if longest == nil {
		return UnknownSettle
	}
	return *longest
}

// planFrom lays the budget of an offline out.
func (m *Manager) planFrom(trigger time.Time, budget time.Duration) plan {
	return newPlan(trigger, budget, m.hasHooks())
}

func (m *Manager) hasHooks() bool { return len(m.onStop)+len(m.stages) > 0 }

func (m *Manager) quietTime() time.Duration {
	switch {
	case m.quiet != nil:
		return *m.quiet
	case m.policy == Strict:
		return 0
	}
	return DefaultQuiet
}

// setState is called with the lock held.
func (m *Manager) setState(s State) {
	if m.state == s {
		return
	}
	args := []any{"from", m.state, "to", s}
	if s == Serving && len(m.reconcilers) > 0 { // calls are served, and nobody may know it yet
		args = append(args, "listed_by", fmt.Sprintf("%d of %d", m.listed(), len(m.reconcilers)))
	}
	m.log.Info("state", args...)
	m.state = s
	m.showReady()
	if len(m.onState) > 0 {
		m.states.Add(func() {
			for _, tell := range m.onState {
				tell(s)
			}
		})
	}
}

// listed is how many registrars list the instance. It is called with the lock held.
func (m *Manager) listed() (n int) {
	for _, k := range m.reconcilers {
		if lists(k) {
			n++
		}
	}
	return n
}

func (m *Manager) counts() Counts {
	if m.calls == nil {
		return Counts{}
	}
	unary, streams := m.calls.InFlight()
	return Counts{Unary: unary, Streams: streams, Late: m.calls.Late(), Refused: m.calls.Refused()}
}

// Report returns the report of the last offline, complete or as far as it has come. It is the zero Report when there
// was none.
func (m *Manager) Report() Report {
	m.mu.Lock()
	last := m.last
	m.mu.Unlock()
	if last == nil {
		return Report{}
	}
	return last.snapshot()
}

// Force ends the patience of an offline, as a second signal does: what is in flight is answered and cut now. Without a
// Shutdown under way it begins one; after the end it does nothing. Stages and hooks have two seconds from then on, or a
// fifth of the budget where that is less. It does not block.
func (m *Manager) Force() {
	m.beginShutdown(context.Background(), "forced", kindShutdown).force()
}
