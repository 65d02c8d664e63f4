// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"time"
)

// grpcOffset is what clients add to the HTTP port to find the gRPC port.
const grpcOffset = 1000

// Ports are looked for below the range from which the system takes the local
// ports of outgoing connections (32768 on Linux), so that none of those takes
// our port while the server is down.
const (
	firstPort = 15000
	lastPort  = 30000
	mostPort  = 65535
)

// listenPair listens on the HTTP port and the gRPC port that belongs to it; for
// port 0 it looks for a free pair.
func listenPair(host string, port int) (http, grpc net.Listener, err error) {
	if port > 0 {
		return listenOn(host, port)
	}
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if http, grpc, err = listenOn(host, port); err == nil {
			return http, grpc, nil
		}
	}
	return nil, nil, fmt.Errorf("no free pair of ports: %w", err)
}

// parseAddr reads Options.Addr; port 0 is any.
func parseAddr(addr string) (host string, port int, err error) {
	host, number, err := net.SplitHostPort(cmp.Or(addr, loopback(0)))
	if err != nil || host == "" {
		return "", 0, errors.New("want HOST:PORT, an IPv6 address in brackets")
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("the port is not a number from 0 to %d", mostPort)
	}
	if n+grpcOffset > mostPort {
		return "", 0, fmt.Errorf("the port is above %d, and gRPC is served %d above it", mostPort-grpcOffset, grpcOffset)
	}
	return host, int(n), nil
}

func listenOn(host string, port int) (http, grpc net.Listener, err error) {
	if http, err = net.Listen("tcp", join(host, port)); err != nil {
		return nil, nil, err
	}
	if grpc, err = net.Listen("tcp", join(host, port+grpcOffset)); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the gRPC port, %d above it: %w", grpcOffset, err), http.Close())
	}
	return http, grpc, nil
}

// listenAgain takes the pair back after a restart. Something else may hold one of
// the ports for a moment.
func listenAgain(host string, port int) (http, grpc net.Listener, err error) {
	for range 50 {
		if http, grpc, err = listenOn(host, port); err == nil {
			return http, grpc, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, nil, fmt.Errorf("nacostest: port %d: %w", port, err)
}

func loopback(port int) string { return join("127.0.0.1", port) }

func join(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
