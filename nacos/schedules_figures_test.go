// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

// figures are what the schedules come to.
type figures struct {
	schedules, instances            int
	faults                          map[string]int
	calls, stranded, failed         int64 // of clients with the resolver
	plainCalls, accounted           int64 // of clients with a channel per instance
	unaccounted                     int64
	falseOffline, ghosts, leftovers int
	unconfirmed, unproven, forced   int
	clusters, wrongNames            int
}

func (f *figures) add(g figures) {
	f.schedules += g.schedules
	f.instances += g.instances
	f.calls += g.calls
	f.stranded += g.stranded
	f.failed += g.failed
	f.plainCalls += g.plainCalls
	f.accounted += g.accounted
	f.unaccounted += g.unaccounted
	f.falseOffline += g.falseOffline
	f.ghosts += g.ghosts
	f.leftovers += g.leftovers
	f.unconfirmed += g.unconfirmed
	f.unproven += g.unproven
	f.forced += g.forced
	f.clusters += g.clusters
	f.wrongNames += g.wrongNames
	if f.faults == nil {
		f.faults = map[string]int{}
	}
	for name, n := range g.faults {
		f.faults[name] += n
	}
}

func (f figures) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d schedules (%d of them with three nodes), %d instances: %d false offlines, %d ghosts that no Report names, "+
		"%d wrong names; %d unconfirmed, %d unproven (%d of both listed after the exit), %d forced\n",
		f.schedules, f.clusters, f.instances, f.falseOffline, f.ghosts, f.wrongNames, f.unconfirmed, f.unproven, f.leftovers, f.forced)
	fmt.Fprintf(&s, "resolver: %d calls, %d failed and accounted for, %d others\n", f.calls, f.stranded, f.failed)
	fmt.Fprintf(&s, "per instance: %d calls, %d failed and accounted for, %d others\n",
		f.plainCalls, f.accounted, f.unaccounted)
	s.WriteString("faults:")
	for _, name := range slices.Sorted(maps.Keys(f.faults)) {
		fmt.Fprintf(&s, " %s %d,", name, f.faults[name])
	}
	return strings.TrimSuffix(s.String(), ",")
}

// judge compares what happened with what the Reports say.
func (s *scene) judge(fail func(string, ...any)) {
	reports := map[string]lifecycle.Report{}
	for _, i := range s.all {
		s.instances++
		report := i.Report()
		reports[i.addr] = report
		if report.Unconfirmed {
			s.unconfirmed++
		}
		if len(report.Unproven) > 0 {
			s.unproven++
		}
		if errors.Is(i.err, nacos.ErrSecondOwner) && !i.shared.Load() {
			s.wrongNames++
			fail("instance %d, %s: blames another client, and there was none: %v", i.number, i.addr, i.err)
		}
		if report.Forced {
			s.forced++
			fail("instance %d, %s: forced stop: %+v", i.number, i.addr, report)
		}
		if n := int(i.falseOffline.Load()); n > 0 {
			s.falseOffline += n
			fail("instance %d, %s: draining although nobody has switched it off", i.number, i.addr)
		}
		// Behind a virtual address each question may be for another node, so who was listed once is what can be said.
		switch named := report.Unconfirmed || len(report.Unproven) > 0 || s.virtual && len(report.StillListed) > 0; {
		case i.ghost.Load() && named:
			s.leftovers++
		case i.ghost.Load():
			s.ghosts++
			fail("instance %d, %s: registered after its exit, and the Report says nothing of it: %+v", i.number, i.addr, report)
		}
	}
	s.judgeClients(reports, fail)
}

// judgeClients allows a failure where a Report names it: consumers may have had the address still. The resolver needs
// one instance that is listed and alive, which a plan may leave it without.
func (s *scene) judgeClients(reports map[string]lifecycle.Report, fail func(string, ...any)) {
	if s.resolver == nil || s.plain == nil {
		return
	}
	named := func(f failure) bool {
		report, known := reports[f.addr]
		return known && (report.Unconfirmed || report.Forced || len(report.Unproven) > 0)
	}
	s.calls, s.plainCalls = s.resolver.calls, s.plain.calls
	told := map[string]bool{}
	for _, f := range s.resolver.failures {
		for addr := range reports {
			if strings.Contains(f.err.Error(), addr) {
				f.addr = addr
			}
		}
		if named(f) {
			s.stranded++
			continue
		}
		if s.failed++; s.failed == 1 {
			fail("resolver: %v; its Report: %+v", f, reports[f.addr])
		}
	}
	for _, f := range s.plain.failures {
		if named(f) {
			s.accounted++
			continue
		}
		s.unaccounted++
		if !told[f.addr] {
			fail("per instance: %v; its Report: %+v", f, reports[f.addr])
		}
		told[f.addr] = true
	}
}
