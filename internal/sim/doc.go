// SPDX-License-Identifier: Apache-2.0

// Package sim puts the claim that an offline loses nothing to a test that anyone can repeat:
//
//	go test ./internal/sim                                     a short run
//	go test ./internal/sim -seeds=1000 -timeout 30m -v         a long one, with its figures
//	go test ./internal/sim -seed=226 -v                        one seed, with the log of its instances
//
// A seed decides a [Schedule]: how many instances there are and with what budget, who calls them and how often, when
// they are restarted, drained by hand and resumed, taken offline and online by an operator, and when the registry
// fails. Instances are replaced one by one, or two at once, or all at once (blue and green); there may be only one,
// whose successor is started first; or they stand behind one address, without a registry. The schedule is played inside
// a testing/synctest bubble, with fake time, by real gRPC servers with the interceptors, the health service and the
// Manager, and by real gRPC clients: round_robin, round_robin with health checking, pick_first, a channel per instance,
// a channel per call, and one that never hears that an address has gone. Only the network and the registry are models.
// The registry has one to three nodes, and news of each instance travel to each node by a way of their own, out of
// order; clients and instances follow one node each. Every connection has the latency of the schedule and a small
// window, and a dial to an address where nobody listens is refused.
//
// # What is checked
//
// While an instance lives, in the moment in which it is due (invariants.go):
//
//   - Register is called only while the listener accepts and health says SERVING, or an operator holds the instance, and
//     lists it only while the listener accepts.
//   - Drain returns when the instance is off the list and settled, Resume when it is listed again.
//   - What an operator does is listened to and followed, at once, unless the instance is drained by hand, which then
//     decides. An instance that they hold is not deregistered: that would end their flag.
//   - Streams are told once GOAWAY is out, or, where the schedule says so, withdrawn and settled.
//   - Health Watches hear NOT_SERVING only in a drain that stays, when it has settled and somebody else is listed.
//   - Readiness turns green once the instance is listed.
//
// After every run, from observations that clients, handlers and registry took apart from each other:
//
//   - No call and no stream failed, unless the Report of the instance accounts for it. Forced accounts for those that
//     it answered, cut or refused, and a call that could have been answered was not cut. Unconfirmed, and a second signal,
//     which skips what is left of the wait, account for dials to the address after the instance has gone, for as long as
//     it takes to hear of that. Nothing else is an excuse.
//   - No call was carried out twice, whatever its client was told; what was answered was carried out once, by the
//     instance that answered; what was refused was not carried out; every call has an outcome, and an answer took no
//     longer than its work.
//   - The exit came within the budget and one second, and within a second of a second signal.
//   - The Report says what happened: late, refused, answered, cut, streams ended, in flight at the trigger and at
//     the end, confirmed or not, forced or not, and for how long. Two things that happen in the same instant have no
//     order that can be seen from outside, so late, in flight and cut are known within bounds; the rest exactly.
//   - GOAWAY came when the instance was absent, settled and quiet, and not later; unconfirmed, not before half the budget.
//     No listener was closed while the registry listed it, unless the Report says unconfirmed, and nothing is left there.
//   - Calls and health, as Check has it, changed in one moment. A health Watch ended once GOAWAY was out and heard nothing
//     before, but for a drain that stays; who was told so made no call after that. A trigger from outside left readiness
//     as it was until GOAWAY.
//   - Streams that heed being told were; the others had their grace, and were ended then, the oldest first.
//
// Quiet is shown to be needed by schedules of their own, in which the registry is slower than settle.
//
// The same schedules are played with the Strict policy and with a plain deregister and GracefulStop, and those with a
// small fleet once more with health Watches that hear of the offline at the trigger and no wait for a successor. All
// three lose calls, and the test fails when they do not: a simulation that cannot see loss proves nothing. Strict has
// to keep all the other invariants.
//
// # What is not
//
// A seed repeats the schedule, not each interleaving: fake time decides when something happens, but what happens in the
// same instant is ordered by the Go scheduler, and the backoff of lifecycle and of grpc-go, and the picks of its
// balancers, are drawn from sources of their own. A failure may take several runs of its seed (-seed=226 -count=50).
//
// The model keeps the promises that a Lossless offline rests on: who is told of a change of the registry is followed by
// everybody else within the settle time, a request that was given up changes nothing later, and an absence is not
// confirmed before the instance was told what operators did ahead of it. At least one instance is registered and
// serving at any time. A fleet that leaves as a whole does so when each of its instances sees the new ones: with an old
// one left in its list it cannot know that this one will leave too. Processes do not crash, and no packet is lost. TLS,
// connections that stall in their handshake, further servers and several registrars are not part of it: internal/e2e
// and lifecycle have those.
package sim
