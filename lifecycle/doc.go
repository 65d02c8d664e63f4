// SPDX-License-Identifier: Apache-2.0

// Package lifecycle takes a server online and offline without losing a call.
//
// A Manager runs the server, registers it, waits for a trigger (the end of a context, a signal, Shutdown) and takes the
// instance out inside one time budget. An operator's offline in the registry parks the instance: it goes the same way
// as far as quiet, without withdraw, and serves again when they put it online; with Exit it is a trigger like the
// others. This is an offline, Lossless:
//
//	trigger                                                                                      budget
//	  |-- announce: who pulls health hears NOT_SERVING, calls are late from here on                 |
//	  |-- successor: the others are known for as long as settle, where they are new                 |
//	  |-- withdraw: out of every registry, in parallel, confirmed                                   |
//	  |-- settle: other registry nodes and clients hear of it                                       |
//	  |-- health: Watches hear NOT_SERVING (a drain that stays)                                     |
//	  |-- quiet: no call for a while (at most 5 s)                                                  |
//	  |      up to here every call that comes is served                                             |
//	  |-- goaway: GracefulStop; clients move, what is in flight goes on                             |
//	  |-- notice: streams are told, health Watches are ended                                        |
//	  |-- streams, end: streams that do not end within their grace are ended, spread out            |
//	  |-- calls: until all is done                                                                  |
//	  |-- force: only when the budget runs out: answer what can be answered, wait 500 ms, Stop -----|
//	  |-- stages, hooks, close: WithStage, OnStop, the registrars, the report
//
// Strict is the literal order of many frameworks: when the registry has confirmed, the interceptors refuse new calls
// and health says NOT_SERVING in the same moment; when nothing is in flight GracefulStop begins. A refusal from an
// interceptor is an answer that clients do not repeat by themselves, so Strict loses the calls of all clients that have
// not heard yet. Lossless is the default.
//
// Four questions have four answers. Health: Check says NOT_SERVING from the trigger on; a Watch is left alone until
// GOAWAY is out, because a client with health checking that knows no other address fails all its calls after a
// NOT_SERVING (270 of 682 with two servers behind one address, none when it is left alone). Readiness is Status.Ready,
// and is frozen by a trigger from outside. Traffic is red from the trigger on. Liveness is green until the process
// ends.
//
// The order has reasons, each of them measured: docs/design.md in the repository has them, and how to add to it.
//
// The package knows neither gRPC nor any registry. It imports the standard library and the OpenTelemetry API, and
// declares the interfaces that it needs.
package lifecycle
