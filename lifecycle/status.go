// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "time"

// A Status is a look at a Manager: state, readiness, causes and registrars are of one moment.
//
// Ready is readiness, for who decides whether a rollout may go on: serving, and every Register has returned nil at
// least once (but see WithReadyUnlisted); false while drained by hand or held by an operator. A trigger that comes from
// outside (a signal, the end of Run's ctx, Shutdown) freezes it until GracefulStop begins: Kubernetes takes a
// terminating pod out by itself, and sends traffic back to those that are still ready where there is no other
// (KEP-1669). An operator's Exit and a failure turn it false at once, as do refused calls (Strict).
type Status struct {
	State      State             `json:"state"`
	Ready      bool              `json:"ready"`            // as the health service Readiness says
	Causes     []string          `json:"causes,omitempty"` // why it drains: "by hand", "operator at " and the name, the trigger
	Calls      Counts            `json:"calls"`
	Registrars []RegistrarStatus `json:"registrars,omitempty"`
	Last       bool              `json:"last,omitempty"`  // no other usable instance is listed, as far as registrars can tell
	Phase      *PhaseStatus      `json:"phase,omitempty"` // of the offline under way; nil: none
	// While draining and stopping, where Calls can tell: who sends late calls, the busiest first, which RPCs are the
	// oldest in flight, and how many have no name: unary calls from before the trigger, and HTTP requests.
	Callers  []Caller  `json:"callers,omitempty"`
	Oldest   []RPC     `json:"oldest,omitempty"`
	Unnamed  int       `json:"unnamed,omitempty"`
	Deadline time.Time `json:"deadline,omitzero"` // the end of the budget, once Shutdown has begun
}

// Counts are the calls as the Tracker counted them; zero without WithCalls.
type Counts struct {
	Unary   int    `json:"unary_in_flight"`
	Streams int    `json:"streams_in_flight"`
	Late    uint64 `json:"late"`    // admitted while the instance drained, since the Tracker was made
	Refused uint64 `json:"refused"` // answered UNAVAILABLE by the interceptors, since the Tracker was made
}

// Status returns how things stand. It does not block, and asks no registry.
func (m *Manager) Status() Status {
	words, last := m.words(), len(m.onlyOneAt(hasListed)) > 0
	var callers []Caller
	var oldest []RPC
	unnamed := 0
	if m.goes() {
		callers = m.callers()
		oldest, unnamed = m.oldest()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Status{State: m.state, Ready: m.ready, Calls: m.counts(), Callers: callers, Oldest: oldest, Unnamed: unnamed, Last: last}
	if m.causes.hand() {
		s.Causes = append(s.Causes, "by hand")
	}
	if m.shutdown != nil {
		s.Causes = append(s.Causes, m.shutdown.report.Trigger)
		s.Deadline = m.shutdown.plan.end
	}
	if m.last != nil {
		s.Phase = m.last.phaseUnderWay()
	}
	for n, k := range m.reconcilers {
		r := k.status()
		if r.Error == "" && r.State == Registering {
			r.Error = words[n].failure
		}
		r.Published = words[n].published
		if m.causes.operator() && r.Offline {
			s.Causes = append(s.Causes, "operator at "+r.Name)
		}
		s.Registrars = append(s.Registrars, r)
	}
	return s
}

// goes tells that the instance drains or stops.
func (m *Manager) goes() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state == Draining || m.state == Stopping
}

// A word is what a registrar says of itself.
type word struct{ published, failure string }

// words asks the registrars. It is called without the lock.
func (m *Manager) words() []word {
	words := make([]word, len(m.reconcilers))
	for n, k := range m.reconcilers {
		words[n].published = k.published()
		if err := k.failing(); err != nil {
			words[n].failure = err.Error()
		}
	}
	return words
}
