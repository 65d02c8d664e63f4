// SPDX-License-Identifier: Apache-2.0

// Package registrartest tests an implementation of lifecycle.Registrar: whether it keeps every promise that
// lifecycle.Manager relies on when it takes an instance offline. It is for whoever writes a registrar for Consul, etcd, a
// load balancer.
//
//	func TestRegistrar(t *testing.T) {
//		registrartest.Test(t, registrartest.Make{World: func(t testing.TB) registrartest.World {
//			registry := startRegistry(t)
//			return registrartest.World{
//				New:    func() (lifecycle.Registrar, error) { return consul.New(registry.Addr()) },
//				Listed: func() bool { return registry.Lists("127.0.0.1:50051") },
//			}
//		}})
//	}
//
// A World is the registry as the suite sees it: a Registrar that nobody has used, the truth about what consumers are
// handed, and levers, each of which makes one thing happen there: an operator's offline, an outage, a registration that gets
// lost. All levers are optional. What needs one that is missing is skipped, and says so; the more there are, the more is
// found. Optional methods of the Registrar are tested where it has them.
//
// README.md in this folder lists the subtests with the promise that each of them is about, and says where the registrars of
// this module stand. The promises are those of lifecycle.Registrar; nothing is asked for that is not written there.
//
// The suite finds mistakes, and proves nothing: it looks at few moments of each race. Run it with the race detector and with
// -count.
package registrartest
