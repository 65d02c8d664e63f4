// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
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
)

// listenPair listens on a free port N and on N+1000 of loopback.
func listenPair() (http, grpc net.Listener, err error) {
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if http, grpc, err = listenOn(port); err == nil {
			return http, grpc, nil
		}
	}
	return nil, nil, fmt.Errorf("nacostest: no free pair of ports: %w", err)
}

func listenOn(port int) (http, grpc net.Listener, err error) {
	if http, err = net.Listen("tcp", loopback(port)); err != nil {
		return nil, nil, err
	}
	if grpc, err = net.Listen("tcp", loopback(port+grpcOffset)); err != nil {
		return nil, nil, errors.Join(err, http.Close())
	}
	return http, grpc, nil
}

// listenAgain takes the pair back after a restart. Something else may hold one of
// the ports for a moment.
func listenAgain(port int) (http, grpc net.Listener, err error) {
	for range 50 {
		if http, grpc, err = listenOn(port); err == nil {
			return http, grpc, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, nil, fmt.Errorf("nacostest: port %d: %w", port, err)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
