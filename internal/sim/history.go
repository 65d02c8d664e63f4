// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"sync"
	"time"
)

// A history holds what the servers did and what the clients saw, written by the two sides apart.
type history struct {
	mu         sync.Mutex
	executions map[uint64][]*execution
	outcomes   map[uint64]*outcome
	begun      map[uint64]bool
}

// An execution is one entry into a handler.
type execution struct {
	order
	stream     bool
	instance   int
	begin, end time.Time // end is zero while it runs
	told       time.Time // when a stream has heeded being told; zero: not
}

// An outcome is what a client was told of one call or stream.
type outcome struct {
	call       uint64
	client     ClientKind
	stream     bool
	verdict    verdict
	instance   int // that said so, or had the connection; 0 where there was none
	answeredBy int // as the answer says
	gone       int // where a dial was refused: the instance that was the last to listen there
	begin, end time.Time
	err        error
}

func newHistory() *history {
	return &history{executions: map[uint64][]*execution{}, outcomes: map[uint64]*outcome{}, begun: map[uint64]bool{}}
}

func (b *history) enter(o order, stream bool, instance int) *execution {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := &execution{order: o, stream: stream, instance: instance, begin: time.Now()}
	b.executions[o.call] = append(b.executions[o.call], e)
	return e
}

// stamp writes down that something happens now.
func (b *history) stamp(t *time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*t = time.Now()
}

func (b *history) begin(call uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.begun[call] = true
}

func (b *history) saw(o *outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o.end = time.Now()
	b.outcomes[o.call] = o
}
