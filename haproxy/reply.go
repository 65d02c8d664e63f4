// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const tableHead = "# be_id "

var errCut = errors.New("the reply ends early")

// readReply splits a reply into what a command before "show servers state" has said, and the servers of backend. A
// reply without a table is all words.
func readReply(reply, backend string) (words string, servers []server, err error) {
	at := strings.Index(reply, tableHead)
	if at < 0 {
		words = strings.TrimSpace(reply)
		if words == "" {
			return "", nil, errCut
		}
		return words, nil, nil
	}
	words, version := "", strings.TrimSpace(reply[:at])
	if i := strings.LastIndexByte(version, '\n'); i >= 0 {
		words, version = strings.TrimSpace(version[:i]), version[i+1:]
	}
	if version != "1" {
		return words, nil, fmt.Errorf("a table of version %s, want 1", abridged(version))
	}
	table, _, whole := strings.Cut(reply[at:], "\n\n")
	if !whole {
		return words, nil, errCut
	}
	head, rows, _ := strings.Cut(table, "\n")
	servers, err = readServers(strings.Fields(head)[1:], rows, backend)
	return words, servers, err
}

func readServers(columns []string, rows, backend string) (servers []server, err error) {
	for line := range strings.Lines(rows) {
		cells := strings.Fields(line)
		cell := func(column string) string {
			if i := slices.Index(columns, column); i >= 0 && i < len(cells) {
				return cells[i]
			}
			return ""
		}
		number := func(column string) int {
			n, failed := strconv.ParseUint(cell(column), 0, 31)
			if failed != nil && err == nil {
				err = fmt.Errorf("%s of %s is %s, want a number", column, abridged(line), abridged(cell(column)))
			}
			return int(n)
		}
		if cell("be_name") != backend {
			continue
		}
		s := server{
			name: cell("srv_name"), host: cell("srv_addr"), port: uint16(number("srv_port")),
			op: operation(number("srv_op_state")), admin: admin(number("srv_admin_state")),
			weight: number("srv_uweight"), agent: number("srv_agent_state"),
		}
		if err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// abridged is a stranger's text for an error: one line, not too long.
func abridged(s string) string {
	const most = 120
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strconv.Quote(s)
}
