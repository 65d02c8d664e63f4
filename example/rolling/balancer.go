// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// balancer is a HAProxy that clients call through, with a server for each backend and one more, for a successor.
type balancer struct {
	front   string   // where clients call
	socket  string   // of the runtime API
	servers []string // addresses; server n of the configuration is at n-1
	dir     string   // of the sockets, whose names have to be short
	log     string
	cmd     *exec.Cmd
	exited  chan struct{}
}

const backendName = "servers"

// haproxyBinary is the one that HAPROXY_TEST_BIN names, or that is on the path.
func haproxyBinary() (string, error) {
	if name := os.Getenv("HAPROXY_TEST_BIN"); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("haproxy is not installed (Debian: apt-get install haproxy)")
}

// startBalancer runs HAProxy with a server for each of n addresses of ports.
func startBalancer(ctx context.Context, binary, logFile string, ports *ports, n int) (_ *balancer, err error) {
	b := &balancer{log: logFile, exited: make(chan struct{})}
	if b.front, err = ports.next(); err != nil {
		return nil, err
	}
	for range n {
		addr, err := ports.next()
		if err != nil {
			return nil, err
		}
		b.servers = append(b.servers, addr)
	}
	if b.dir, err = os.MkdirTemp("/tmp", "lameduck-"); err != nil { // a socket's path has at most 104 bytes on macOS
		return nil, err
	}
	b.socket = filepath.Join(b.dir, "admin.sock")
	config := filepath.Join(b.dir, "haproxy.cfg")
	if err := os.WriteFile(config, []byte(b.config()), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy
	b.cmd = exec.CommandContext(ctx, binary, "-db", "-f", config)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.Cancel = func() error { return b.cmd.Process.Signal(syscall.SIGTERM) }
	b.cmd.WaitDelay = 5 * time.Second
	if err := b.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.dir))
	}
	go func() { // waited for by stop
		defer close(b.exited)
		_ = b.cmd.Wait()
	}()
	if err := b.await(ctx, "HAProxy does not answer", func() bool { _, err := b.ask("show info"); return err == nil }); err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return b, nil
}

// config has what docs/balancers.md says is to be set, and nothing that it says is never to be.
func (b *balancer) config() string {
	var text strings.Builder
	fmt.Fprintf(&text, `global
	stats socket %s mode 600 level admin
defaults
	mode http
	timeout connect 2s
	timeout client 1h
	timeout server 1h
	option redispatch 1
frontend front
	bind %s proto h2
	default_backend %s
backend %s
	balance roundrobin
	default-server proto h2 check inter 500ms
`, b.socket, b.front, backendName, backendName)
	for n, addr := range b.servers {
		fmt.Fprintf(&text, "\tserver %s %s\n", serverName(n), addr)
	}
	return text.String()
}

func serverName(n int) string { return fmt.Sprintf("s%d", n+1) }

// ask sends one command to the runtime API.
func (b *balancer) ask(command string) (string, error) { return askHAProxy(b.socket, command) }

func askHAProxy(socket, command string) (string, error) {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", err
	}
	reply, err := io.ReadAll(conn)
	return string(reply), err
}

// isUp tells that HAProxy sends new calls to server n.
func (b *balancer) isUp(n int) bool {
	reply, err := b.ask("show stat " + backendName + " 4 -1")
	if err != nil {
		return false
	}
	for line := range strings.Lines(reply) {
		fields := strings.Split(line, ",")
		if len(fields) > 17 && fields[1] == serverName(n) {
			return strings.HasPrefix(fields[17], "UP")
		}
	}
	return false
}

func (b *balancer) await(ctx context.Context, problem string, done func() bool) error {
	for limit := time.Now().Add(startLimit); !done(); {
		select {
		case <-b.exited:
			return fmt.Errorf("HAProxy has ended; its last words: %v", lastLine(b.log))
		default:
		}
		if time.Now().After(limit) {
			return fmt.Errorf("%s after %v", problem, startLimit)
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func (b *balancer) stop() error {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	<-b.exited
	return os.RemoveAll(b.dir)
}
