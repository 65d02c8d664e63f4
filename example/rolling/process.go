// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// startLimit is how long a backend may take to serve and to be listed.
	startLimit = 30 * time.Second
	// exitLimit is how long a backend may take from SIGTERM to its end; more than the budget of lameduck.
	exitLimit = 40 * time.Second
)

// process is a backend as the demo sees it.
type process struct {
	spec spec
	addr string
	log  string
	cmd  *exec.Cmd

	exited chan struct{} // closed when the process has ended; then the fields below are set
	ended  time.Time
	err    error
}

// startProcess runs this program again as the backend s and returns when it says that it serves. Its stderr goes to a
// file in dir. The end of ctx kills it.
func startProcess(ctx context.Context, s spec, dir string) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env, err := s.env()
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(dir, s.ID+".log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy
	var line firstLine
	line.whole = make(chan string, 1)
	cmd := exec.CommandContext(ctx, program)
	// A backend that is killed leaves the SDK's files behind; the demo removes dir in the end.
	cmd.Env = append(os.Environ(), env, "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr = &line, log
	cmd.WaitDelay = time.Second
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{spec: s, log: log.Name(), cmd: cmd, exited: make(chan struct{})}
	go func() {
		defer close(p.exited)
		p.err = cmd.Wait()
		p.ended = time.Now()
	}()
	return p, p.awaitReady(ctx, line.whole)
}

// awaitReady kills the process unless it becomes ready.
func (p *process) awaitReady(ctx context.Context, line <-chan string) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	var err error
	select {
	case text := <-line:
		addr, ok := strings.CutPrefix(text, readyPrefix)
		if ok {
			p.addr = addr
			return nil
		}
		err = fmt.Errorf("it printed %q", text)
	case <-p.exited:
		err = fmt.Errorf("it has ended: %w", errors.Join(p.err, lastLine(p.log)))
	case <-limit.C:
		err = fmt.Errorf("it does not serve after %v", startLimit)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.kill()
	return fmt.Errorf("start backend %s: %w", p.spec.ID, err)
}

// errStatus is the error of stop for a backend that has ended with an exit status of its own.
var errStatus = errors.New("not a clean exit")

// stop sends SIGTERM and waits for the end of the process. It returns the time from one to the other, also with an
// error that is errStatus; any other means that there was no such offline.
func (p *process) stop(ctx context.Context) (time.Duration, error) {
	select {
	case <-p.exited:
		return 0, fmt.Errorf("backend %s had ended by itself: %w", p.spec.ID, p.err)
	default:
	}
	limit := time.NewTimer(exitLimit)
	defer limit.Stop()
	trigger := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop backend %s: %w", p.spec.ID, err)
	}
	select {
	case <-p.exited:
	case <-limit.C:
		p.kill()
		return 0, fmt.Errorf("backend %s has not ended %v after SIGTERM", p.spec.ID, exitLimit)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	if p.err != nil {
		err := errors.Join(p.err, lastLine(p.log))
		return p.ended.Sub(trigger), fmt.Errorf("backend %s: %w: %w", p.spec.ID, errStatus, err)
	}
	return p.ended.Sub(trigger), nil
}

// kill ends the process at once and waits for its end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // fails only when it has ended already
	<-p.exited
}

// lastLine returns the last line of a log as an error, nil when there is none.
func lastLine(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil
	}
	return errors.New(string(text[bytes.LastIndexByte(text, '\n')+1:]))
}

// firstLine is a writer that hands over the first line written to it and drops the rest.
type firstLine struct {
	mu    sync.Mutex
	text  []byte
	done  bool
	whole chan string // has room for one
}

func (f *firstLine) Write(text []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done {
		f.text = append(f.text, text...)
		if line, _, whole := bytes.Cut(f.text, []byte("\n")); whole {
			f.done = true
			f.whole <- string(line)
		}
	}
	return len(text), nil
}
