// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"
)

// backends are the processes of one strategy, and how they have ended.
type backends struct {
	running  []*process
	started  int
	exits    []time.Duration
	problems []string // exits that were not clean
}

func (b *backends) stop(ctx context.Context, p *process) error {
	took, err := p.stop(ctx)
	if errors.Is(err, errStatus) {
		b.problems = append(b.problems, err.Error())
		err = nil
	}
	if err == nil {
		b.exits = append(b.exits, took)
	}
	return err
}

// kill ends what still runs.
func (b *backends) kill() {
	for _, p := range b.running {
		if p != nil {
			p.kill()
		}
	}
}
