// SPDX-License-Identifier: Apache-2.0

// Package admin answers probes, shows the status and takes an instance offline and online, over HTTP.
//
// Probes is safe on any address. It answers GET and HEAD:
//
//	/livez     200 until the process ends; any query is ignored
//	/readyz    200 while Status.Ready holds, else 503; for Kubernetes
//	/trafficz  200 while the state is serving, else 503, or 404 with ?gone=404; for balancers that pull
//
// Readiness and traffic are two endpoints, because one cannot be right for both. Kubernetes takes a terminating pod out
// by itself, and sends traffic back to terminating pods that are still ready where there is no other (KEP-1669): so a
// signal leaves /readyz as it is. A balancer knows nothing of a signal: so /trafficz is red from the trigger on.
//
// Handler answers these, and:
//
//	GET  /status    Status, and Report once there was an offline
//	POST /drain     Manager.Drain     ?wait=30s ?last=true
//	POST /resume    Manager.Resume    ?wait=30s
//	POST /shutdown  Manager.Shutdown  ?wait=30s ?budget=10s
//	POST /force     Manager.Force
//
// Without wait, a POST begins what it names and answers 202 at once. With wait it answers 200 when that is done, and
// 409 with the reason when it is not: calls still arrive, a registry did not confirm, the time is over. What was begun
// goes on then, also when the client goes away. It is 409 too when nothing is begun: Shutdown has begun (drain, resume),
// no other usable instance is listed (drain; last=true drains it all the same), an operator holds the instance offline
// (resume), the budget under way is longer than the one that was asked for (shutdown; Force ends it). A drain that is
// asked for again is shared, and one that is over looks for quiet again.
//
// With a shutdown by POST /readyz is red at once, because nothing else takes the instance out. A budget
// shortens that of the Manager, and never lengthens it. Who waits for a shutdown gets the answer only if their server
// outlives the others: give it to lifecycle.WithAdmin, as the example does. On
// a server that the Manager itself stops, POST /shutdown with wait is 409, and begins nothing: the request would wait
// for its own end. With Strict, POST /drain with wait is 409 there, too. Without wait both are carried out.
//
// Every answer is a JSON object, and is not to be stored by caches. The keys:
//
//	state     starting, serving, draining, stopping or stopped
//	causes    why /readyz or /trafficz is red; in a probe without names of registries, and without texts of errors
//	deadline  the end of the budget, once Shutdown has begun (control only)
//	error     what is wrong
//	status, report  lifecycle.Status and lifecycle.Report (/status only)
//
// Further codes, each with an error: 400 for a parameter that is not known, is given twice or has a wrong value, 403 for
// who may not, 404 for another path, 405 for another method, 413 for a body of more than 64 KiB. A smaller one is
// ignored. GET and HEAD change nothing.
//
// # Who may
//
// Without WithAuthorize, status and control are for this host. All of this must hold:
//
//   - the remote and the local address are 127.0.0.1 or ::1, or it is a unix socket. Not all of 127/8: behind the
//     sidecar of a mesh every caller is 127.0.0.6;
//   - over TCP, Host is localhost, 127.0.0.1 or [::1], with a port or without: a page of the web that has its name
//     resolved to 127.0.0.1 (DNS rebinding) sends its own name. Over a unix socket any Host will do: no browser gets there;
//   - no header says that somebody asks for somebody else, or a page does: Forwarded, X-Forwarded-*, X-Envoy-*, Via,
//     Origin, Sec-Fetch-*.
//
// Put the Handler on a listener of its own, on loopback or a unix socket, and Probes on the address of the pod. Who may
// forward a port of the pod, or run a container in it, may drain it. A proxy on this host that sets none of these
// headers, and rewrites Host, lets its clients pass.
package admin
