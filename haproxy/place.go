// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A place is how the server is found.
type place struct {
	name  string       // empty: by address
	port  uint16       // of the listener; zero where that is not known
	hosts []netip.Addr // of the listener
}

// seenFrom is the place as a balancer may have it: an address that every host has, loopback for example, is ours only
// where the balancer is on our host.
func (p place) seenFrom(sameHost bool) place {
	if !sameHost {
		p.hosts = slices.DeleteFunc(slices.Clone(p.hosts), func(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() })
	}
	return p
}

// find returns the server, if the balancer has it.
func (p place) find(servers []server) (s server, found bool, err error) {
	var all []string
	for _, candidate := range servers {
		switch {
		case p.name != "" && candidate.name == p.name, p.name == "" && p.is(candidate):
			s = candidate
			all = append(all, candidate.name)
		}
	}
	if len(all) > 1 {
		return server{}, false, fmt.Errorf("several servers have the address %s: %s; Config.Server says which", s.addr(), strings.Join(all, ", "))
	}
	return s, len(all) == 1, nil
}

// is tells that the server has the address of the listener.
func (p place) is(s server) bool {
	host, err := netip.ParseAddr(s.host)
	return err == nil && s.port == p.port && slices.Contains(p.hosts, host.Unmap())
}

func (p place) String() string {
	if p.name != "" {
		return p.name
	}
	if len(p.hosts) == 1 {
		return netip.AddrPortFrom(p.hosts[0], p.port).String()
	}
	return fmt.Sprintf("port %d of this host", p.port)
}

// placeOf is where the instance is to be found: by name, or by the address of its listener. One that listens on all
// interfaces is looked for at every address of this host.
func placeOf(name string, listener net.Addr) (place, error) {
	p := place{name: name}
	tcp, ok := listener.(*net.TCPAddr)
	if !ok || tcp == nil {
		if name != "" {
			return p, nil
		}
		if listener == nil || ok {
			return p, errors.New("the listener's address is nil, and Config.Server is empty")
		}
		return p, fmt.Errorf("the listener's address %s is %s and not TCP, and Config.Server is empty", listener, listener.Network())
	}
	heard := tcp.AddrPort()
	p.port = heard.Port()
	host := heard.Addr().Unmap().WithZone("")
	if host.IsValid() && !host.IsUnspecified() {
		p.hosts = []netip.Addr{host}
		return p, nil
	}
	if name != "" {
		return p, nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return p, fmt.Errorf("the addresses of this host: %w", err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				p.hosts = append(p.hosts, ip.Unmap())
			}
		}
	}
	return p, nil
}
