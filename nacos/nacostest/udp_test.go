// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// One datagram from anybody, and the client is blind; nothing but a second way of
// looking tells.
//
// Not parallel: the client's port is the one that was not open before. Clients
// that other tests have closed listen on, which is the SDK's leak, and would write
// the list to their caches.
func TestSpoofEmptyList(t *testing.T) {
	if _, err := os.Stat("/proc/self/net/udp"); err != nil {
		t.Skip("no /proc to find the SDK's ports in")
	}
	s := nacostest.Start(t, quick)
	before := sdkPorts(t)
	us := dial(t, s.Addr())
	port := slices.DeleteFunc(sdkPorts(t), func(p int) bool { return slices.Contains(before, p) })
	if len(port) != 1 {
		t.Fatalf("SDKPorts() has %v more after a client was made, want one port", port)
	}
	ours := us.subscribe("spoofed")
	us.register("spoofed", here)
	ours.wait(here)

	if err := nacostest.SpoofEmptyList("spoofed", time.Hour, port...); err != nil {
		t.Fatalf("SpoofEmptyList() = %v, want nil", err)
	}
	ours.wait()
	us.register("spoofed", here) // the probe
	if _, err := s.Publish("spoofed", there); err != nil {
		t.Fatal(err)
	}

	dial(t, s.Addr()).subscribe("spoofed").wait(here, there)
	if got := openList(t, s, "spoofed"); len(got) != 2 {
		t.Errorf("open list = %v, want both", got)
	}
	if got := ours.all(); len(got[len(got)-1].hosts) != 0 {
		t.Errorf("last callback = %v, want the spoofed empty list to stay", got[len(got)-1].addrs())
	}
}

func sdkPorts(t *testing.T) []int {
	t.Helper()
	ports, err := nacostest.SDKPorts()
	if err != nil {
		t.Fatalf("SDKPorts() = %v, want nil", err)
	}
	return ports
}
