// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/load"
)

// A player plays one strategy in a process of its own: it has the clients, and the backends are its children. Several
// strategies in one process would share its garbage collector, and a flaw of the SDK: closing a naming client while
// another is made or closed writes a map without a lock (RpcClient.Shutdown, nacos-sdk-go v2.3.5), which may end the
// process.

// playerEnv holds the part of a player in a process that is to be one.
const playerEnv = "LAMEDUCK_ROLLING_PLAYER"

// playerPatience is how long a player that is told to end may take.
const playerPatience = 10 * time.Second

// part says what a player has to play.
type part struct {
	Strategy Strategy
	Nodes    []string // of the registry
	HAProxy  string   // the program, where clients call through it; empty: they find the backends in the registry
	Replicas int
	Settle   *time.Duration // nil: what the registry needs
	Dir      string         // for logs and reports of the backends
	Began    time.Time      // of the demo
	Duration time.Duration
	Rate     float64
	Seed     uint64
}

// result is what one strategy came to.
type result struct {
	Strategy Strategy
	Counts   map[load.Kind]load.Counts
	Twice    map[load.Kind]uint64 // calls that were run twice; nil where nobody has looked
	Exits    []time.Duration
	Problems []string // exits that were not clean
}

// runPlayer runs this program again as a player, passes its progress on, and returns its result. The end of ctx ends
// the player and its backends.
func runPlayer(ctx context.Context, p part, progress io.Writer) (result, error) {
	program, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	env, err := json.Marshal(p)
	if err != nil {
		return result{}, err
	}
	var stdout bytes.Buffer
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), playerEnv+"="+string(env), "TMPDIR="+p.Dir)
	cmd.Stdout, cmd.Stderr = &stdout, progress
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return result{}, err
	}
	cmd.Cancel = stdin.Close // ends the player and, by their own pipes, its backends
	cmd.WaitDelay = playerPatience
	if err := cmd.Run(); err != nil {
		return result{}, fmt.Errorf("player: %w", err)
	}
	var r result
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return result{}, fmt.Errorf("player: %w", err)
	}
	return r, nil
}

func isPlayer() bool { return os.Getenv(playerEnv) != "" }

var errDemoEnded = errors.New("the demo has ended")

// playerMain is main in a player: it plays its part, writes the progress to stderr and the result to stdout.
func playerMain() int {
	signal.Ignore(os.Interrupt) // as in a backend
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errDemoEnded)
	}()
	var p part
	err := json.Unmarshal([]byte(os.Getenv(playerEnv)), &p)
	if err == nil {
		var r result
		if r, err = play(ctx, p, &progress{out: os.Stderr, began: p.Began}); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(r)
		}
	}
	if err == nil {
		return 0
	}
	if !errors.Is(err, errDemoEnded) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", p.Strategy, err)
	}
	return flags.ExitError
}
