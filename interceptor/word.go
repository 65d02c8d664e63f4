// SPDX-License-Identifier: Apache-2.0

package interceptor

import "sync/atomic"

// word holds all that the unary path needs to decide and to count, so that one atomic addition does
// both: a call sees the shutdown flag in the very value that counted it in. With a flag and a counter
// apart, a call can read the flag, lose the processor, and be admitted after somebody else has seen
// "flag set, nothing in flight".
//
//	 63                      26 25                   2    1        0
//	+--------------------------+----------------------+--------+--------+
//	| admission sequence       | unary RPCs in flight |draining|refusing|
//	+--------------------------+----------------------+--------+--------+
//
// The sequence is on top so that its overflow falls off the word and touches nothing: it counts
// modulo 2^38, a month of 100,000 calls a second. In flight has room for 16 million goroutines.
type word struct{ bits atomic.Uint64 }

const (
	refusing uint64 = 1 << 0
	draining uint64 = 1 << 1

	inFlightShift = 2
	sequenceShift = 26

	oneInFlight uint64 = 1 << inFlightShift
	oneAdmitted uint64 = 1 << sequenceShift
)

// enter counts one call in and returns the word after that. A caller that finds refusing in it has
// to back out.
func (w *word) enter() uint64 { return w.bits.Add(oneAdmitted + oneInFlight) }

// leave counts one call out.
func (w *word) leave() { w.bits.Add(^(oneInFlight - 1)) }

// backOut undoes enter. Between the two a reader sees one call too many, never one too few.
func (w *word) backOut() { w.bits.Add(^(oneAdmitted + oneInFlight - 1)) }

func (w *word) set(flag uint64)   { w.bits.Or(flag) }
func (w *word) clear(flag uint64) { w.bits.And(^flag) }
func (w *word) load() uint64      { return w.bits.Load() }

func inFlight(bits uint64) int    { return int(bits % oneAdmitted >> inFlightShift) }
func admitted(bits uint64) uint64 { return bits >> sequenceShift }
