// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lameduck-go/lameduck/internal/testrun"
	"github.com/lameduck-go/lameduck/nacos"
)

// asRegistry makes the test binary the program, so that input, signals and exit statuses are real ones.
const asRegistry = "LAMEDUCK_EXAMPLE_NACOS"

func TestMain(m *testing.M) {
	if os.Getenv(asRegistry) != "" {
		main()
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

// program is the running program. Its log is read when it has ended.
type program struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
	addr   string
	wait   func() error
}

func start(t *testing.T) *program {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{cmd: exec.CommandContext(t.Context(), binary, "-listen", "127.0.0.1:0")}
	p.cmd.Env = append(os.Environ(), asRegistry+"=1")
	p.cmd.Stderr = &p.stderr
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stdout = bufio.NewReader(stdout)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.wait = sync.OnceValue(p.cmd.Wait)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_ = p.wait()
	})
	addr, ok := strings.CutPrefix(p.line(t), "listening on ")
	if !ok {
		t.Fatal("the first line does not say where it listens")
	}
	p.addr = addr
	return p
}

func (p *program) line(t *testing.T) string {
	t.Helper()
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("no line on stdout: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (p *program) say(t *testing.T, command string) {
	t.Helper()
	if _, err := io.WriteString(p.stdin, command+"\n"); err != nil {
		t.Fatal(err)
	}
}

// TestOperatorOfARealInstance: what is said on standard input reaches an instance that is registered in the usual way.
func TestOperatorOfARealInstance(t *testing.T) {
	p := start(t)
	registrar, err := nacos.New(nacos.Config{Servers: []string{p.addr}}, nacos.Instance{Service: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	const addr = "127.0.0.1:9090"
	if err := registrar.Register(t.Context(), &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9090}); err != nil {
		t.Fatal(err)
	}
	heard := make(chan bool, 8)
	var watching sync.WaitGroup
	watching.Go(func() { _ = registrar.Watch(t.Context(), func(online bool) { heard <- online }) })
	t.Cleanup(watching.Wait)
	await := func(what string, want bool) {
		t.Helper()
		limit := time.After(40 * time.Second)
		for {
			select {
			case online := <-heard:
				if online == want {
					return
				}
			case <-limit:
				t.Fatalf("%s is not heard of after 40 s", what)
			}
		}
	}
	await("the registration", true)
	p.say(t, "offline "+addr)
	if got := p.line(t); got != "shop "+addr+": offline" {
		t.Errorf("offline printed %q", got)
	}
	await("the offline", false)
	p.say(t, "online "+addr)
	await("the online", true)

	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := registrar.Deregister(t.Context()); err != nil {
		t.Errorf("Deregister() after the end of the input = %v, want nil", err)
	}
	if err := registrar.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Errorf("Wait() after SIGTERM = %v, want status 0", err)
	}
	for _, want := range []string{"msg=register service=shop instances=[" + addr + "]", "msg=deregister service=shop", "no more commands"} {
		if !strings.Contains(p.stderr.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, p.stderr.String())
		}
	}
}

// An input that has ended, as in CI, ends nothing.
func TestEndOfInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var out strings.Builder
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			serve(ctx, &operator{out: &out}, strings.NewReader("help\n"), slog.New(slog.DiscardHandler))
		}()
		synctest.Wait()
		select {
		case <-ended:
			t.Error("serve() returned at the end of the input, want at the end of its context")
		default:
		}
		cancel()
		<-ended
		if out.String() != help {
			t.Errorf("help printed %q, want %q", out.String(), help)
		}
	})
}

func TestInterrupt(t *testing.T) {
	p := start(t)
	if err := p.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatalf("Dial() = %v, want nil", err)
	}
	conn.Close()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Errorf("Wait() after an interrupt = %v, want status 0", err)
	}
}

func TestWrongFlags(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-listen", "8848"}, 2, "-listen"},
		{[]string{"-listen", ":8848"}, 2, "-listen"},
		{[]string{"-listen", "127.0.0.1:x"}, 2, "-listen"},
		{[]string{"-nonsense"}, 2, "-nonsense"},
		{[]string{"more"}, 2, "argument"},
		{[]string{"-listen", "127.0.0.1:65000"}, 1, "64535"},
		{[]string{"-listen", busy.Addr().String()}, 1, busy.Addr().String()},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, strings.NewReader(""), &stdout, &stderr)
		line := stderr.String()
		if code != test.code || stdout.Len() > 0 || strings.Count(line, "\n") != 1 || !strings.Contains(line, test.want) {
			t.Errorf("run(%q) = %d, %q on stdout and %q; want %d, nothing, and one line with %s", test.args, code, stdout.String(), line, test.code, test.want)
		}
	}
}
