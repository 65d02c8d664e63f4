// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

func (p *process) answers() bool {
	conn, err := net.Dial("unix", p.dir+"/"+p.socket)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// ask gives a command as an operator does.
func (p *process) ask(command string) string {
	p.t.Helper()
	conn, err := net.Dial("unix", p.dir+"/"+p.socket)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		p.t.Fatal(err)
	}
	reply, err := io.ReadAll(conn)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(reply)
}

func (p *process) set(server, state string) {
	p.t.Helper()
	if words := strings.TrimSpace(p.ask("set server grpc/" + server + " state " + state)); words != "" {
		p.t.Fatalf("set server grpc/%s state %s: %s", server, state, words)
	}
}

// pid is that of the worker.
func (p *process) pid() int {
	p.t.Helper()
	for line := range strings.Lines(p.ask("show info")) {
		var pid int
		if n, _ := fmt.Sscanf(line, "Pid: %d", &pid); n == 1 {
			return pid
		}
	}
	p.t.Fatal("show info has no Pid")
	return 0
}

// status is what "show stat" has of a server: "UP", "UP 1/2" when its check has failed once, "DRAIN", "no check".
func (p *process) status(server string) string {
	p.t.Helper()
	for line := range strings.Lines(p.ask("show stat grpc 4 -1")) {
		if cells := strings.Split(line, ","); len(cells) > 17 && cells[1] == server {
			return cells[17]
		}
	}
	return ""
}

// flags is the admin state of a server.
func (p *process) flags(server string) string {
	p.t.Helper()
	for line := range strings.Lines(p.ask("show servers state grpc")) {
		if cells := strings.Fields(line); len(cells) > 6 && cells[3] == server {
			return cells[6]
		}
	}
	return ""
}

func (p *process) wantStatus(server, want string) {
	p.t.Helper()
	if got := p.status(server); !strings.HasPrefix(got, want) {
		p.t.Errorf("the status of %s is %q, want %q", server, got, want)
	}
}

func (p *process) awaitStatus(server, want string) {
	p.t.Helper()
	p.until(fmt.Sprintf("the status of %s is %s", server, want), func() bool { return strings.HasPrefix(p.status(server), want) })
}
