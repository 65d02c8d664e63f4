// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"strings"
	"time"
)

// notifyLimit is generous: systemd reads the socket all the time.
const notifyLimit = time.Second

// supervisor is systemd's socket. The protocol is that of sd_notify(3): assignments, one on each line, in one datagram.
type supervisor struct{ socket string } // empty: nobody listens

// findSupervisor reads the value of NOTIFY_SOCKET: a path, or @NAME, a name in the abstract namespace of Linux.
func findSupervisor(socket string) (supervisor, error) {
	if socket != "" && !strings.HasPrefix(socket, "/") && !strings.HasPrefix(socket, "@") {
		return supervisor{}, fmt.Errorf("NOTIFY_SOCKET %q: want a path that begins with / or a name that begins with @", socket)
	}
	return supervisor{socket}, nil
}

// tell sends the assignments. Without a supervisor it does nothing.
func (s supervisor) tell(assignments ...string) error {
	if s.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer conn.Close()
	if err := conn.SetWriteDeadline(time.Now().Add(notifyLimit)); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	if _, err := conn.Write([]byte(strings.Join(assignments, "\n"))); err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	return nil
}
