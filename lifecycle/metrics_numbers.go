// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "maps"

// A tally is what all offlines together came to. It is guarded by the Manager's lock.
type tally struct {
	ended         map[Outcome]int64
	unconfirmed   int64
	streamsEnded  int64
	callsAnswered int64

	callsCut, streamsCut, connectionsCut int64
}

// add takes an offline that is over, or whose servers have stopped.
func (t *tally) add(r Report, outcome Outcome) {
	if t.ended == nil {
		t.ended = make(map[Outcome]int64)
	}
	t.ended[outcome]++
	t.unconfirmed += one(r.Unconfirmed)
	t.streamsEnded += int64(r.StreamsEnded)
	t.callsAnswered += int64(r.CallsAnswered)
	t.callsCut += int64(r.CallsCut)
	t.streamsCut += int64(r.StreamsCut)
	t.connectionsCut += int64(r.ConnectionsCut)
}

// A changeCause is why a registrar lists the instance, or does not any more.
type changeCause string

const (
	changeRegister   changeCause = "register"   // Register has returned nil
	changeDeregister changeCause = "deregister" // Deregister has
	changeOperator   changeCause = "operator"   // an operator has switched it off or on
)

var changeCauses = []changeCause{changeRegister, changeDeregister, changeOperator}

// numbers are what the metrics show, of one moment.
type numbers struct {
	tally
	counted       bool // there are Calls
	calls         Counts
	admitted      uint64
	state         State
	ready, parked bool
	registrars    []registrarNumbers
}

type registrarNumbers struct {
	name       string
	registered bool
	changes    map[changeCause]int64
}

func (m *Manager) numbers() numbers {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := numbers{
		tally: m.tally, counted: m.calls != nil, calls: m.counts(), state: m.state, ready: m.ready, parked: m.causes.operator(),
	}
	n.ended = maps.Clone(m.tally.ended)
	if m.calls != nil {
		n.admitted = m.calls.Admitted()
	}
	for _, k := range m.reconcilers {
		n.registrars = append(n.registrars, registrarNumbers{
			k.name, lists(k), maps.Clone(k.changes),
		})
	}
	return n
}
