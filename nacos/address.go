// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// parsePublished reads Instance.Addr; a part that is missing is zero.
func parsePublished(s string) (netip.AddrPort, error) {
	if s == "" {
		return netip.AddrPort{}, nil
	}
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(ip, 0), checkPublished(ip)
	}
	host, number, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf(`%q is none of "", "IP", ":PORT", "IP:PORT"`, s)
	}
	port, err := strconv.ParseUint(number, 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, fmt.Errorf("%q: port %q is not a number from 1 to 65535", s, number)
	}
	if host == "" {
		return netip.AddrPortFrom(netip.Addr{}, uint16(port)), nil
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q: %q is not an IP address", s, host)
	}
	return netip.AddrPortFrom(ip, uint16(port)), checkPublished(ip)
}

func checkPublished(ip netip.Addr) error {
	switch {
	case ip.IsUnspecified():
		return fmt.Errorf("nobody can dial %s", ip)
	case ip.Zone() != "":
		return fmt.Errorf("%s has a zone, which means nothing on other hosts", ip)
	case ip.IsMulticast():
		return fmt.Errorf("%s is a multicast address", ip)
	case ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%s is the broadcast address", ip)
	}
	return nil
}

// publishedAt fills in what Addr leaves open from the listener and from the address that packets leave from.
func publishedAt(addr string, listener net.Addr, outbound func() (netip.Addr, error)) (netip.AddrPort, error) {
	want, err := parsePublished(addr)
	if err != nil {
		return want, err
	}
	ip, port := want.Addr(), want.Port()
	if ip.IsValid() && port != 0 {
		return want, nil
	}
	heard, err := listenerAddr(listener)
	if err != nil {
		return want, err
	}
	if port == 0 {
		port = heard.Port()
	}
	if port == 0 {
		return want, fmt.Errorf("the listener's address %s has no port", listener)
	}
	if !ip.IsValid() {
		ip = heard.Addr().Unmap().WithZone("")
		if !ip.IsValid() || ip.IsUnspecified() {
			if ip, err = outbound(); err != nil {
				return want, fmt.Errorf("the listener's address %s says no IP, and no other is to be had: %w", listener, err)
			}
		}
	}
	return netip.AddrPortFrom(ip, port), nil
}

func listenerAddr(a net.Addr) (netip.AddrPort, error) {
	if a == nil {
		return netip.AddrPort{}, errors.New("the listener's address is nil")
	}
	if tcp, ok := a.(*net.TCPAddr); ok {
		if tcp == nil {
			return netip.AddrPort{}, errors.New("the listener's address is nil")
		}
		return tcp.AddrPort(), nil
	}
	if !strings.HasPrefix(a.Network(), "tcp") {
		return netip.AddrPort{}, fmt.Errorf("the listener's address %s is %s and not TCP", a, a.Network())
	}
	parsed, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("the listener's address %q: %w", a, err)
	}
	return parsed, nil
}

// outboundIP asks the system which address packets to one of the servers would leave from. Nothing is sent.
func outboundIP(servers []string) (netip.Addr, error) {
	var errs []error
	for _, s := range servers {
		conn, err := net.Dial("udp", s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		local, ok := conn.LocalAddr().(*net.UDPAddr)
		_ = conn.Close()
		if !ok {
			continue
		}
		ip := local.AddrPort().Addr().Unmap().WithZone("")
		if ip.IsValid() && !ip.IsUnspecified() {
			return ip, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%w to %s: %w", errNoWayOut, strings.Join(servers, ", "), errors.Join(errs...))
}

// onlyHere tells that a loopback address is published by a listener on all interfaces, and that the machine has others.
// It is what the system says where the registry is reached over loopback: on the same host, by a tunnel, a
// port-forward.
func onlyHere(place netip.AddrPort, listener net.Addr) bool {
	heard, err := listenerAddr(listener)
	if err != nil || !place.Addr().IsLoopback() || !heard.Addr().IsUnspecified() {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.IsGlobalUnicast()
	})
}

// errNoWayOut may be over in a moment: a network that is not up yet, a name that is not known yet.
var errNoWayOut = errors.New("no way out")
