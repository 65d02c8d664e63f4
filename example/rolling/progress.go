// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

// progress prints a line for everything that begins, with the time since the start of the demo. It is a writer for the
// progress of the players.
type progress struct {
	mu    sync.Mutex
	out   io.Writer
	began time.Time
}

func (p *progress) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.began).Seconds(), fmt.Sprintf(format, args...))
}

// Write passes on lines that are ready.
func (p *progress) Write(lines []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(lines)
}

// restart tells which backend is being restarted, and what the clients have seen so far.
func (p *progress) restart(strategy Strategy, e event, sum load.Counts) {
	port := "new port"
	if e.samePort {
		port = "same port"
	}
	p.line("%-14s  restarts backend %d of %d (%s, %s): %d calls, %d failed; %d streams, %d cut so far",
		strategy, e.backend, e.of, e.addr, port, sum.Calls, sum.Failed, sum.Streams, sum.StreamsCut)
}

// done tells what a strategy came to. Failures are worth their text only where there should be none.
func (p *progress) done(r result) {
	var sum load.Counts
	for _, kind := range kindsOf(r) {
		sum = sum.Add(r.Counts[kind])
	}
	p.line("%-14s  done: %d calls, %d failed; %d streams, %d cut", r.Strategy, sum.Calls, sum.Failed, sum.Streams, sum.StreamsCut)
	for _, problem := range r.Problems {
		p.line("%-14s  %s", r.Strategy, problem)
	}
	if r.Strategy != Lossless {
		return
	}
	for _, kind := range kindsOf(r) {
		for _, sample := range r.Counts[kind].Samples {
			p.line("%-14s  %s: %s", r.Strategy, kind, sample)
		}
	}
}
