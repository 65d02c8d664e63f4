// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/naming"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func testSpec(t *testing.T, strategy Strategy) spec {
	return spec{
		ID: "test", Strategy: strategy, Nacos: nacostest.Start(t).Addr(),
		Service: naming.Service{Name: "shop"}, Listen: "127.0.0.1:0",
	}
}

func TestProcessStops(t *testing.T) {
	p, err := startProcess(t.Context(), testSpec(t, Stop), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	took, err := p.stop(t.Context())
	if err != nil || took <= 0 {
		t.Errorf("stop() = %v, %v, want some time, nil", took, err)
	}
	if _, err := p.stop(t.Context()); err == nil {
		t.Error("stop() of a process that has ended = nil, want an error")
	}
}

func TestProcessEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p, err := startProcess(ctx, testSpec(t, Lossless), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		p.kill()
		t.Error("the backend lives 20 s after the end of its context")
	}
}

// A demo that is killed closes the pipe, whatever else it can no longer do.
func TestProcessEndsWithItsParent(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	env, err := testSpec(t, Lossless).env()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), env)
	cmd.Stdin = strings.NewReader("") // ends at once
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("backend without a parent: %v, want exit status 1", err)
	}
}

func TestProcessThatCannotServe(t *testing.T) {
	s := testSpec(t, Stop)
	s.Listen = "127.0.0.1:nowhere"
	_, err := startProcess(t.Context(), s, t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("startProcess() = %v, want an error with the backend's last words", err)
	}
}

func TestExitStatusIsNoSilence(t *testing.T) {
	dir := t.TempDir()
	s := testSpec(t, Strict)
	s.Report = dir + "/missing/report.json" // makes the backend end with an error
	p, err := startProcess(t.Context(), s, dir)
	if err != nil {
		t.Fatal(err)
	}
	took, err := p.stop(t.Context())
	if !errors.Is(err, errStatus) || took <= 0 || !strings.Contains(err.Error(), "missing") {
		t.Errorf("stop() = %v, %v, want some time, and errStatus with the backend's last words", took, err)
	}
}

func TestFirstLine(t *testing.T) {
	line := firstLine{whole: make(chan string, 1)}
	for _, text := range []string{"listen", "ing on x", "\nmore\n", "and more\n"} {
		if n, err := line.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write(%q) = %d, %v, want %d, nil", text, n, err, len(text))
		}
	}
	if got := <-line.whole; got != "listening on x" || len(line.whole) > 0 {
		t.Errorf("first line = %q and %d more, want one", got, len(line.whole))
	}
}

func TestPortsAreGivenOnce(t *testing.T) {
	p := newPorts(Lossless)
	seen := make(map[string]bool)
	for range 100 {
		addr, err := p.next()
		if err != nil || seen[addr] {
			t.Fatalf("next() = %q, %v, want an address that was not there before", addr, err)
		}
		seen[addr] = true
	}
}
