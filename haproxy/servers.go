// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"net"
	"strconv"
)

// A server is one line of "show servers state".
type server struct {
	name   string
	host   string // an IP address, the path of a socket, or "-"
	port   uint16
	op     operation
	admin  admin
	weight int
	agent  int // bits of the agent-check
}

// An operation is srv_op_state (enum srv_state).
type operation int

const (
	down     operation = 0
	starting operation = 1 // slowstart: gets a growing share
	running  operation = 2
	stopping operation = 3 // gets nothing new: http-check disable-on-404
)

// An admin is srv_admin_state (enum srv_admin), a set of flags. HAProxy prints it in decimal.
type admin int

const (
	forcedMaint    admin = 0x01 // "state maint", or "disabled" in the configuration
	inheritedMaint admin = 0x02 // of the server that it tracks
	configMaint    admin = 0x04 // says that forcedMaint came from the configuration, and stays when that has gone
	forcedDrain    admin = 0x08 // "state drain", from whomever; an agent that says "drain" sets it, too
	inheritedDrain admin = 0x10 // of the server that it tracks
	resolvingMaint admin = 0x20 // no address by DNS
	fqdnChanged    admin = 0x40 // says that a name was changed at runtime; means nothing for the traffic

	forced   = forcedMaint | forcedDrain
	excluded = forced | inheritedMaint | inheritedDrain | resolvingMaint
)

const (
	agentConfigured = 0x02 // CHK_ST_CONFIGURED
	agentEnabled    = 0x04 // CHK_ST_ENABLED
)

// absent tells that the server gets no new calls until somebody says otherwise. What it inherits from a server that it
// tracks, and what DNS says, may end by itself.
func (s server) absent() bool { return s.admin&forced != 0 }

// up tells that the server gets calls, if its weight, which is an operator's, lets it.
func (s server) up() bool {
	return s.admin&excluded == 0 && (s.op == running || s.op == starting)
}

func (s server) hasAgent() bool {
	return s.agent&agentConfigured != 0 && s.agent&agentEnabled != 0
}

// addr is HOST:PORT.
func (s server) addr() string {
	if s.port == 0 {
		return s.host
	}
	return net.JoinHostPort(s.host, strconv.Itoa(int(s.port)))
}

// why says in words why the server is not up.
func (s server) why() string {
	switch {
	case s.admin&forcedMaint != 0:
		return "in maintenance"
	case s.admin&forcedDrain != 0:
		return "drained"
	case s.admin&inheritedMaint != 0:
		return "in maintenance because of the server that it tracks"
	case s.admin&inheritedDrain != 0:
		return "drained because of the server that it tracks"
	case s.admin&resolvingMaint != 0:
		return "without an address: DNS does not resolve its name"
	case s.op == stopping:
		return "stopping: its check answers 404 (http-check disable-on-404)"
	case s.op == down && s.hasAgent():
		return "down: its check fails, or its agent-check says so"
	case s.op == down:
		return "down: its check does not succeed"
	}
	return "up"
}
