// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

func TestAnotherListenerIsAnotherInstance(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		err := r.Register(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9002})
		if e, ok := errors.AsType[permanentError](err); !ok || !e.InUse() || !errors.Is(err, ErrInUse) {
			t.Errorf("Register() of another listener = %v, want %v", err, ErrInUse)
		}
		r.mustRegister()
	})
}

func TestPortOfAnotherInstanceIsSaid(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		if err := r.Register(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9002}); err != nil {
			t.Errorf("Register() = %v, want nil", err)
		}
		r.wantLog("another port", 1)
	})
}

func TestFoundByItsAddress(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*fake)
		addr   net.Addr
		want   string // of the error
	}{
		"found":                    {func(*fake) {}, s1Addr, ""},
		"IPv4 in IPv6":             {func(*fake) {}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1).To16(), Port: 9001}, ""},
		"on all interfaces":        {func(f *fake) { f.servers[0].host = "127.0.0.1" }, &net.TCPAddr{Port: 9001}, ""},
		"... of another host":      {func(*fake) {}, &net.TCPAddr{Port: 9001}, "no server"},
		"nobody has the address":   {func(*fake) {}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 9009}, "no server grpc/10.0.0.1:9009"},
		"two servers have it":      {func(f *fake) { f.servers[1].port = 9001 }, s1Addr, "s1, s2; Config.Server says which"},
		"no address":               {func(*fake) {}, nil, "nil"},
		"an address that is none":  {func(*fake) {}, (*net.TCPAddr)(nil), "nil"},
		"a listener that is local": {func(*fake) {}, &net.UnixAddr{Name: "/run/s", Net: "unix"}, "not TCP"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 1, func(t *testing.T, r *rig) {
				test.change(r.fakes[0])
				err := r.Register(t.Context(), test.addr)
				if (err == nil) != (test.want == "") || !strings.Contains(errText(err), test.want) {
					t.Errorf("Register(%v) = %v, want %q", test.addr, err, test.want)
				}
				if err == nil {
					r.mustDeregister()
					r.wantAdmin(forcedDrain, "after Deregister")
				}
			}, byAddress)
		})
	}
}

// TestSlotThatIsTaken: service discovery takes the address out of its slot, and gives the slot to somebody else.
func TestSlotThatIsTaken(t *testing.T) {
	within(t, 1, func(t *testing.T, r *rig) {
		r.mustRegister()
		r.fakes[0].change(func(s *server) { s.host = "10.0.0.99" })
		r.mustDeregister()
		time.Sleep(3 * time.Second)
		r.wantAdmin(0, "somebody else's slot")
		if p := r.Published(); p != "" {
			t.Errorf("Published() = %q, want nothing", p)
		}
	}, byAddress)
}
