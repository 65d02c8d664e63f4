// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/internal/testrun"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// asServer makes the test binary the server, so that the socket, the signal and the exit status are real ones.
const asServer = "LAMEDUCK_TEST_SYSTEMD"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		os.Unsetenv(asServer) // FromEnv warns of what it does not know
		main()
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

// listenAsSystemd opens the socket that a service's messages come to.
func listenAsSystemd(t *testing.T, name string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// socketPath is short: a socket's path has about a hundred characters at most.
func socketPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sd")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "notify")
}

// await returns the messages up to the one that has the assignment.
func await(t *testing.T, conn *net.UnixConn, assignment string, limit time.Duration) (seen []string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatalf("no %s within %v, but %q: %v", assignment, limit, seen, err)
		}
		seen = append(seen, string(buffer[:n]))
		if slices.Contains(strings.Split(string(buffer[:n]), "\n"), assignment) {
			return seen
		}
	}
}

// TestAsSystemdWould starts the service of the unit, waits for READY=1, and stops it: SIGTERM, and SIGKILL when
// TimeoutStopSec has passed, which must not be needed.
func TestAsSystemdWould(t *testing.T) {
	names := map[string]string{"path": socketPath(t)}
	if runtime.GOOS == "linux" {
		names["abstract"] = "@lameduck-" + filepath.Base(filepath.Dir(socketPath(t)))
	}
	for kind, name := range names {
		t.Run(kind, func(t *testing.T) {
			u := readUnit(t)
			systemd := listenAsSystemd(t, name)
			registry := nacostest.Start(t)
			command := startService(t, u, "NOTIFY_SOCKET="+name, "LAMEDUCK_NACOS_SERVERS="+registry.Addr(), "LAMEDUCK_SETTLE=100ms")

			seen := await(t, systemd, "READY=1", 30*time.Second)
			if strings.Contains(strings.Join(seen, "\n"), "STOPPING") {
				t.Errorf("before READY=1 came %q, want no STOPPING", seen)
			}
			if got := registry.Instances("greeter"); len(got) != 1 || !got[0].Listed {
				t.Errorf("the registry has %+v at READY=1, want the instance listed", got)
			}
			if err := command.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			await(t, systemd, "STOPPING=1", 10*time.Second)
			select {
			case <-command.exited:
				if command.err != nil {
					t.Errorf("the service ended with %v, want status 0\n%s", command.err, command.Stderr)
				}
			case <-time.After(u.stopLimit(t)):
				t.Errorf("the service runs %v after SIGTERM, and would get SIGKILL", u.stopLimit(t))
			}
		})
	}
}

// service is the running server.
type service struct {
	*exec.Cmd
	exited chan struct{} // closed when it has ended, with err
	err    error
}

// startService runs the unit's ExecStart in the unit's environment; later variables win.
func startService(t *testing.T, u unit, environment ...string) *service {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	arguments := strings.Fields(strings.Join(u["ExecStart"], " "))[1:]
	for n, argument := range arguments {
		if argument == ":50051" {
			arguments[n] = "127.0.0.1:0"
		}
	}
	command := exec.CommandContext(t.Context(), binary, arguments...)
	command.Env = slices.Concat(os.Environ(), u["Environment"], []string{asServer + "=1"}, environment)
	command.Stderr = new(bytes.Buffer)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	s := &service{Cmd: command, exited: make(chan struct{})}
	go func() {
		defer close(s.exited)
		s.err = command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-s.exited
	})
	return s
}

// Nobody listens when a person starts it.
func TestWithoutSystemd(t *testing.T) {
	if err := (supervisor{}).tell("READY=1"); err != nil {
		t.Errorf("tell() without a socket = %v, want nil", err)
	}
	if err := (supervisor{socketPath(t)}).tell("READY=1"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("tell() to a socket that is gone = %v, want an error", err)
	}
}

func TestWrongEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"NOTIFY_SOCKET":         "vsock:2:1234",
		"LAMEDUCK_NACOS_SERVER": "127.0.0.1:8848",
		"LAMEDUCK_BUDGET":       "soon",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, value)
			var stderr bytes.Buffer
			if code := run([]string{"-listen", "127.0.0.1:0"}, &stderr); code != 1 || !strings.Contains(stderr.String(), name) {
				t.Errorf("run() = %d and %q, want 1 and an error that names %s", code, stderr.String(), name)
			}
		})
	}
	var stderr bytes.Buffer
	if code := run([]string{"-listen", "50051"}, &stderr); code != 2 || !strings.Contains(stderr.String(), "-listen") {
		t.Errorf("run() with a wrong flag = %d and %q, want 2", code, stderr.String())
	}
}
