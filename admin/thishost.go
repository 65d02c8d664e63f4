// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// thisHost is the rule without WithAuthorize. The error says what is not as it has to be.
func thisHost(r *http.Request) error {
	if err := sameHost(r); err != nil {
		return fmt.Errorf("%w (see admin.WithAuthorize)", err)
	}
	return nil
}

func sameHost(r *http.Request) error {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return fmt.Errorf("the local address is not known")
	}
	if local.Network() == "unix" {
		if !unixPeer(r.RemoteAddr) {
			return fmt.Errorf("the remote address %.50q is not that of a unix socket, and the local one is", r.RemoteAddr)
		}
		return noProxy(r.Header)
	}
	switch {
	case !loopback(local.String()):
		return fmt.Errorf("the local address %.50q is neither 127.0.0.1 nor ::1", local)
	case !loopback(r.RemoteAddr):
		return fmt.Errorf("the remote address %.50q is neither 127.0.0.1 nor ::1", r.RemoteAddr)
	case !slices.Contains([]string{"localhost", "127.0.0.1", "[::1]"}, hostName(r.Host)):
		return fmt.Errorf("the Host %.50q is none of localhost, 127.0.0.1 and [::1]", r.Host)
	}
	return noProxy(r.Header)
}

// unixPeer tells an address of a client of a unix socket. It has none as a rule, which Linux shows as "@".
func unixPeer(addr string) bool {
	return addr == "" || strings.HasPrefix(addr, "@") || strings.HasPrefix(addr, "/")
}

// loopback is true for two addresses and not for 127/8: a mesh shows every caller as 127.0.0.6.
func loopback(hostPort string) bool {
	a, err := netip.ParseAddrPort(hostPort)
	if err != nil || a.Addr().Zone() != "" {
		return false
	}
	ip := a.Addr().Unmap()
	return ip == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || ip == netip.IPv6Loopback()
}

// hostName returns the host in lower case, without the port.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if _, err := strconv.ParseUint(host[i+1:], 10, 16); err == nil {
			host = host[:i]
		}
	}
	return strings.ToLower(host)
}

// noProxy refuses what a proxy has passed on and what a page of a browser has sent.
func noProxy(header http.Header) error {
	for name := range header {
		lower := strings.ToLower(name)
		if slices.Contains([]string{"forwarded", "via", "origin"}, lower) ||
			slices.ContainsFunc([]string{"x-forwarded-", "x-envoy-", "sec-fetch-"}, func(prefix string) bool { return strings.HasPrefix(lower, prefix) }) {
			return fmt.Errorf("the header %.50s is there: the request was passed on, or a page sent it", name)
		}
	}
	return nil
}
