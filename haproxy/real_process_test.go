// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/internal/testrun"
)

// The tests whose names begin with TestReal run a HAProxy.

// A process is a HAProxy that runs, with a master process that a SIGUSR2 reloads.
type process struct {
	t      testing.TB
	dir    string
	socket string // the name of the admin socket; another one while a test has taken it away
	cmd    *exec.Cmd
	out    bytes.Buffer
	end    chan struct{}
}

const head = `
global
  stats socket DIR/admin mode 600 level admin
  stats socket DIR/operator mode 600 level operator
  hard-stop-after 10s
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option redispatch 1
frontend front
  bind unix@DIR/front proto h2
  default_backend grpc
backend grpc
  balance roundrobin
`

// start runs a HAProxy whose backend "grpc" has these lines. DIR is a folder of its own.
func start(t testing.TB, lines ...string) *process {
	t.Helper()
	dir, err := os.MkdirTemp("", "lameduck") // the path of a socket has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, dir: dir, socket: "admin", end: make(chan struct{})}
	config := filepath.Join(dir, "haproxy.cfg")
	text := strings.ReplaceAll(head+"  "+strings.Join(lines, "\n  ")+"\n", "DIR", dir)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(testrun.HAProxy(t), "-W", "-f", config)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.end)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(p.stop)
	p.until("it answers", func() bool { return p.answers() })
	return p
}

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.end:
	case <-time.After(10 * time.Second):
		p.t.Errorf("HAProxy has not ended; it says:\n%s", p.out.String())
		_ = p.cmd.Process.Kill()
		<-p.end
	}
	_ = os.RemoveAll(p.dir)
}

func (p *process) admin() string    { return "unix:" + p.dir + "/admin" }
func (p *process) operator() string { return "unix:" + p.dir + "/operator" }
func (p *process) front() string    { return "unix://" + p.dir + "/front" }

// freeze returns when the worker stands still: connections are accepted by the kernel, and nothing is answered.
func (p *process) freeze() (thaw func()) {
	p.t.Helper()
	pid := p.pid()
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		p.t.Fatal(err)
	}
	p.until("it stands still", func() bool {
		conn, err := net.Dial("unix", p.dir+"/"+p.socket)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(200 * time.Millisecond))
		_, _ = io.WriteString(conn, "show info\n")
		_, err = conn.Read(make([]byte, 1))
		return errors.Is(err, os.ErrDeadlineExceeded)
	})
	return func() { _ = syscall.Kill(pid, syscall.SIGCONT) }
}

// reload gives the sockets to a new process, that knows nothing of what was set in the old one.
func (p *process) reload() {
	p.t.Helper()
	old := p.pid()
	var sent time.Time
	p.until("it has reloaded", func() bool {
		if time.Since(sent) > 2*time.Second { // a master that is about to start has lost the last one
			sent = time.Now()
			if err := p.cmd.Process.Signal(syscall.SIGUSR2); err != nil {
				p.t.Fatal(err)
			}
		}
		return p.answers() && p.pid() != old
	})
}

func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	until(p.t, what, ok)
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not so after 20 s: %s", what)
		}
	}
}
