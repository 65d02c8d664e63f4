// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const (
	defaultPort = 8848
	maxPort     = 65535
)

func parseServers(servers []string) ([]constant.ServerConfig, error) {
	out := make([]constant.ServerConfig, 0, len(servers))
	for i, s := range servers {
		host, port, err := parseServer(s)
		if err != nil {
			return nil, fmt.Errorf("nacos: Config.Servers[%d] %q: %w", i, s, err)
		}
		out = append(out, constant.ServerConfig{IpAddr: host, Port: uint64(port)})
	}
	return out, nil
}

// parseServer splits "host:port". The brackets of an IPv6 address stay on: the SDK joins host and port by a colon.
func parseServer(s string) (host string, port uint16, err error) {
	if s == "" {
		return "", 0, errors.New("empty")
	}
	if strings.Contains(s, "/") {
		return "", 0, errors.New("want host:port without scheme and path (Customize sets a context path)")
	}
	if strings.ContainsAny(s, ",;") {
		return "", 0, errors.New("more than one server: each is an element of its own")
	}
	if ip, err := netip.ParseAddr(s); err == nil && ip.Is6() {
		return "", 0, fmt.Errorf("an IPv6 address stands in brackets and needs a port: %s", bracketed(s))
	}
	host, number, err := net.SplitHostPort(s)
	if err != nil {
		if !strings.Contains(s, ":") || strings.HasSuffix(s, "]") {
			return "", 0, fmt.Errorf("port missing, want host:port as in %s:%d", s, defaultPort)
		}
		return "", 0, errors.New("want host:port")
	}
	n, err := strconv.ParseUint(number, 10, 16)
	switch {
	case host == "":
		return "", 0, errors.New("host missing, want host:port")
	case number == "":
		return "", 0, errors.New("port missing, want host:port")
	case err != nil || n == 0:
		return "", 0, fmt.Errorf("port %q is not a number from 1 to %d", number, maxPort)
	}
	if err := checkHost(host); err != nil {
		return "", 0, err
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host, uint16(n), nil
}

// bracketed guesses what was meant by an IPv6 address without brackets: its last group may be the port.
func bracketed(s string) string {
	last := strings.LastIndexByte(s, ':')
	port, err := strconv.ParseUint(s[last+1:], 10, 16)
	if err == nil && port >= 1024 {
		if _, err := netip.ParseAddr(s[:last]); err == nil {
			return "[" + s[:last] + "]:" + s[last+1:]
		}
	}
	return fmt.Sprintf("[%s]:%d", s, defaultPort)
}

// hostName is a DNS name (RFC 1123), with the underscores that names in containers have.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?$`)

// checkHost accepts a name or an IP address, an IPv6 one without its brackets.
func checkHost(host string) error {
	if strings.Contains(host, ":") {
		switch ip, err := netip.ParseAddr(host); {
		case err != nil || !ip.Is6():
			return fmt.Errorf("%q is not an IPv6 address", host)
		case ip.Zone() != "":
			return fmt.Errorf("%q has a zone, which has no place in a URL", host)
		}
		return nil
	}
	if !hostName.MatchString(host) {
		return fmt.Errorf("%q is neither a host name nor an IP address", host)
	}
	return nil
}

// checkIPAddr checks a host as the SDK takes it: an IPv6 address has its brackets.
func checkIPAddr(host string) error {
	ip, err := netip.ParseAddr(host)
	bare, bracketed := strings.CutPrefix(host, "[")
	switch {
	case err == nil && ip.Is6():
		return fmt.Errorf("IPv6 address %s without brackets", host)
	case !bracketed && !strings.Contains(host, ":"):
		return checkHost(host)
	case bracketed && strings.HasSuffix(bare, "]") && strings.Contains(bare, ":"):
		return checkHost(strings.TrimSuffix(bare, "]"))
	}
	return fmt.Errorf("%q is neither a host name nor an IP address", host)
}

// checkServers looks at what Customize has left: the SDK would dial nonsense for ever.
func checkServers(servers []constant.ServerConfig, endpoint string) error {
	if len(servers) == 0 && endpoint == "" {
		return errors.New("nacos: Config.Servers: empty, want at least one host:port")
	}
	if endpoint != "" {
		if _, _, err := parseServer(endpoint); err != nil {
			return fmt.Errorf("nacos: Config.Customize: ClientConfig.Endpoint %q: %w", endpoint, err)
		}
	}
	for i := range servers {
		s := &servers[i]
		if s.Port == 0 {
			s.Port = defaultPort
		}
		if s.Port <= maxPort && s.GrpcPort == 0 {
			s.GrpcPort = s.Port + constant.RpcPortOffset
		}
		if s.Scheme == "" {
			s.Scheme = constant.DEFAULT_SERVER_SCHEME
		}
		if s.ContextPath == "" {
			s.ContextPath = constant.DEFAULT_CONTEXT_PATH
		}
		if err := checkIPAddr(s.IpAddr); err != nil {
			return fmt.Errorf("nacos: Config.Servers[%d]: %w", i, err)
		}
		switch {
		case s.Port > maxPort:
			return fmt.Errorf("nacos: Config.Servers[%d]: port %d is more than %d", i, s.Port, maxPort)
		case s.GrpcPort > maxPort:
			return fmt.Errorf("nacos: Config.Servers[%d]: port %d has no gRPC port %d above it; Customize can name another",
				i, s.Port, s.GrpcPort)
		case s.Scheme != "http" && s.Scheme != "https":
			return fmt.Errorf("nacos: Config.Servers[%d]: scheme %q, want http or https", i, s.Scheme)
		}
		s.ContextPath = "/" + strings.Trim(s.ContextPath, "/")
	}
	return nil
}
