// SPDX-License-Identifier: Apache-2.0

// Client calls a service that is registered in Nacos, one way of many, and prints how its calls ended.
// It exits with 0 when it could measure, whatever the calls' fate, 1 on an error, and 2 when a flag is
// wrong. An interrupt ends the measurement early.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c command
	set := c.flags()
	err := flags.Parse(set, args)
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return flags.Exit(set, err, stderr)
	}
	if err := measure(ctx, &c, stdout); err != nil {
		fmt.Fprintf(stderr, "client: %v\n", err)
		return flags.ExitError
	}
	return 0
}

func measure(ctx context.Context, c *command, stdout io.Writer) error {
	calls, err := load.Open(c.load)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.duration())
	defer cancel()
	calls.Run(ctx)
	print := printText
	if c.json {
		print = printJSON
	}
	return errors.Join(print(stdout, c.load.Kind, calls.Counts()), calls.Close())
}
