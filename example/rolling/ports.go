// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Backends listen on ports below the range from which systems take the ports of outgoing connections (32768 and up on
// Linux, 49152 elsewhere). Otherwise one of the load's own connections may hold a port in the moment between the end of
// a backend and the start of the next one on the same port.
const lowestPort, portsEach = 20000, 2000

// ports hands out loopback addresses. Each strategy has a range of its own, since their players run side by side.
type ports struct {
	lowest int
	taken  map[int]bool
}

func newPorts(strategy Strategy) *ports {
	return &ports{lowest: lowestPort + strategy.index()*portsEach, taken: make(map[int]bool)}
}

// next returns an address that nobody listens on now and that was not handed out before.
func (p *ports) next() (string, error) {
	for range 1000 {
		port := p.lowest + rand.IntN(portsEach)
		if p.taken[port] {
			continue
		}
		p.taken[port] = true
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if lis, err := net.Listen("tcp", addr); err == nil {
			return addr, lis.Close()
		}
	}
	return "", errors.New("no free port on the loopback interface")
}
