// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A fake is one HAProxy in memory: its runtime API knows the commands that the Registrar gives.
type fake struct {
	mu      sync.Mutex
	servers []server
	fault   fault
	reply   string            // of the fault scripted
	words   map[string]string // what set says, by the name of the server; else it is done
	deaf    bool              // set is accepted, and nothing changes
	word    string            // of the agent-check, as show stat has it
	lines   []string          // what was asked
	changed func(*server)     // called after each set
}

// A fault is how the runtime API fails.
type fault string

const (
	silent   fault = "silent"   // connections are accepted, and nothing is answered
	refusing fault = "refusing" // connections are refused
	hangup   fault = "hangup"   // connections are closed without an answer
	scripted fault = "scripted"
	late     fault = "late" // silent, and what was asked is done after three seconds
)

var errConnRefused = errors.New("connection refused")

func (f *fake) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == refusing || ctx.Err() != nil {
		return nil, errConnRefused
	}
	here, there := net.Pipe()
	go f.serve(there)
	return here, nil
}

func (f *fake) serve(conn net.Conn) {
	defer conn.Close()
	b := make([]byte, 4096)
	n, err := conn.Read(b)
	if err != nil {
		return
	}
	line := strings.TrimSuffix(string(b[:n]), "\n")
	f.mu.Lock()
	f.lines = append(f.lines, line)
	fault, reply := f.fault, f.reply
	f.mu.Unlock()
	switch fault {
	case hangup:
		return
	case late:
		go func() {
			time.Sleep(3 * time.Second)
			f.run(line)
		}()
		fallthrough
	case silent:
		_, _ = io.Copy(io.Discard, conn)
		return
	case scripted:
	default:
		reply = f.run(line)
	}
	_, _ = io.WriteString(conn, reply)
}

func (f *fake) run(line string) (reply string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for command := range strings.SplitSeq(line, ";") {
		words := strings.Fields(command)
		switch {
		case strings.HasPrefix(strings.TrimSpace(command), "show servers state"):
			reply += f.table() + "\n"
		case strings.HasPrefix(command, "show stat"):
			reply += "# pxname,svname,last_agt,\ngrpc,s1," + f.word + ",\n\n"
		case words[0] == "set":
			reply += f.set(words[2], words[4]) + "\n"
		}
	}
	return reply
}

const columns = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_agent_state srv_port"

func (f *fake) table() string {
	var text strings.Builder
	text.WriteString("1\n# " + columns + "\n")
	for i, s := range f.servers {
		text.WriteString(fmt.Sprintln(3, "grpc", i+1, s.name, s.host, int(s.op), int(s.admin), s.weight, s.agent, s.port))
	}
	return text.String()
}

func (f *fake) set(name, state string) string {
	for i := range f.servers {
		s := &f.servers[i]
		if "grpc/"+s.name != name {
			continue
		}
		if words := f.words[s.name]; words != "" {
			return words + "\n"
		}
		if !f.deaf {
			*s = s.as(state)
		}
		if f.changed != nil {
			f.changed(s)
		}
		return ""
	}
	return "No such server.\n"
}

func (s server) as(state string) server {
	s.admin &^= forced
	switch state {
	case stateDrain:
		s.admin |= forcedDrain
	case "maint":
		s.admin |= forcedMaint
	}
	return s
}

// operate is what an operator does to s1.
func (f *fake) operate(state string) { f.change(func(s *server) { *s = s.as(state) }) }

func (f *fake) change(do func(s1 *server)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do(&f.servers[0])
}

func (f *fake) fail(with fault, reply string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.reply = with, reply
}

// say makes set say something for s1, and do nothing.
func (f *fake) say(words string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.words["s1"] = words
}

func (f *fake) join(addr string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	place := netip.MustParseAddrPort(addr)
	f.servers = append(f.servers, server{name: "s2", host: place.Addr().String(), port: place.Port(), op: running, weight: 1})
}

func (f *fake) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.servers = f.servers[:1]
}

func (f *fake) s1() server {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers[0]
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	lines := f.lines
	f.lines = nil
	return lines
}

func newFake() *fake {
	f := &fake{words: map[string]string{}}
	for i := range 3 {
		f.servers = append(f.servers, server{name: fmt.Sprint("s", i+1), host: "10.0.0.1", port: uint16(9001 + i), op: running, weight: 1})
	}
	return f
}
