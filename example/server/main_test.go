// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
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

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/internal/testrun"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// asServer makes the test binary the server, so that signals and exit statuses are real ones.
const asServer = "LAMEDUCK_EXAMPLE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) != "" {
		main()
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

// server is a running server.
type server struct {
	cmd    *exec.Cmd
	addr   string
	stdout *bufio.Reader
	stderr *bufio.Reader
	exited bool
}

func startServer(t *testing.T, args ...string) *server {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), asServer+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{cmd: cmd, stdout: bufio.NewReader(stdout), stderr: bufio.NewReader(stderr)}
	t.Cleanup(func() {
		cancel()
		if !s.exited {
			_ = cmd.Wait()
		}
	})
	line, err := s.stdout.ReadString('\n')
	addr, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "listening on ")
	if err != nil || !ok {
		t.Fatalf("first line of stdout = %q, %v, want listening on ADDR", line, err)
	}
	s.addr = addr
	return s
}

func (s *server) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// awaitLog returns the next line of the log that contains text.
func (s *server) awaitLog(t *testing.T, text string) string {
	t.Helper()
	for {
		line, err := s.stderr.ReadString('\n')
		if err != nil {
			t.Fatalf("no %q in the log: %v", text, err)
		}
		if strings.Contains(line, text) {
			return line
		}
	}
}

// exit waits for the end of the server and returns its exit status.
func (s *server) exit(t *testing.T) int {
	t.Helper()
	log, _ := io.ReadAll(s.stderr)
	rest, _ := io.ReadAll(s.stdout)
	err := s.cmd.Wait()
	s.exited = true
	if len(rest) > 0 {
		t.Errorf("stdout goes on with %q, want one line only", rest)
	}
	if err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			t.Fatalf("Wait() = %v\n%s", err, log)
		}
	}
	t.Logf("log of the server:\n%s", log)
	return s.cmd.ProcessState.ExitCode()
}

func (s *server) dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+s.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func readReport(t *testing.T, file string) lifecycle.Report {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report lifecycle.Report
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("report %s: %v", text, err)
	}
	return report
}

func TestCleanOffline(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	s := startServer(t, "-settle", "0s", "-quiet", "100ms", "-work", "0-5ms", "-report", file)
	conn := s.dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	reply, err := healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	if err != nil || reply.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("Check() = %v, %v, want SERVING, nil", reply, err)
	}
	if _, err := testgrpc.NewTestServiceClient(conn).UnaryCall(ctx, &testgrpc.SimpleRequest{ResponseSize: 1}); err != nil {
		t.Errorf("UnaryCall() = %v, want nil", err)
	}
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	report := readReport(t, file)
	if report.Forced || len(report.Phases) == 0 || !strings.Contains(report.Trigger, "terminated") {
		t.Errorf("report = %+v, want an offline by SIGTERM, not forced, with its phases", report)
	}
}

// SIGTERM is often sent twice; a person who repeats an interrupt means it.
func TestRepeatedInterruptForces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	s := startServer(t, "-settle", "0s", "-quiet", "0s", "-work", "1m", "-report", file)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	// The stream is answered once the server has it; the call on the same connection comes before it.
	client := testgrpc.NewTestServiceClient(s.dial(t))
	cut := make(chan error, 1)
	go func() {
		_, err := client.EmptyCall(ctx, &testgrpc.Empty{})
		cut <- err
	}()
	stream, err := client.StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := stream.Recv(); err != nil {
			t.Fatalf("Recv() = %v, want nil", err)
		}
	}
	s.signal(t, syscall.SIGTERM)
	s.awaitLog(t, "offline begins")
	s.signal(t, syscall.SIGTERM)
	s.awaitLog(t, "changes nothing")
	s.signal(t, os.Interrupt)
	for began := time.Now(); time.Since(began) < 1500*time.Millisecond; time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-cut:
			t.Fatalf("EmptyCall() = %v after two SIGTERMs and one interrupt, want it to go on", err)
		default:
		}
	}
	s.signal(t, os.Interrupt)
	if err := <-cut; err == nil {
		t.Error("EmptyCall() of a minute = nil, want an error from the forced stop")
	}
	if code := s.exit(t); code != 3 {
		t.Errorf("exit status %d, want 3", code)
	}
	if report := readReport(t, file); !report.Forced {
		t.Errorf("report = %+v, want it forced", report)
	}
}

func TestRegisteredAndWithdrawn(t *testing.T) {
	registry := nacostest.Start(t)
	s := startServer(t, "-nacos", registry.Addr(), "-service", "shop", "-settle", "0s", "-quiet", "0s")
	deadline := time.Now().Add(20 * time.Second)
	for len(registry.Instances("shop")) == 0 {
		if time.Now().After(deadline) {
			t.Fatal("the registry shows no instance after 20 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.signal(t, os.Interrupt)
	if code := s.exit(t); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	if left := registry.Instances("shop"); len(left) > 0 {
		t.Errorf("Instances() after the exit = %v, want none", left)
	}
}

func TestErrorExit(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	var stdout, stderr strings.Builder
	if code := run([]string{"-listen", lis.Addr().String()}, &stdout, &stderr); code != 1 || stdout.Len() > 0 {
		t.Errorf("run() on a port in use = %d and %q on stdout, want 1 and nothing", code, stdout.String())
	}
	if strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("run() on a port in use wrote %q, want one line", stderr.String())
	}
}
