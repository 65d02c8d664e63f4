// SPDX-License-Identifier: Apache-2.0

// Rolling restarts three real backend processes under load, registered in a Nacos naming server, once
// for each way of going offline, and prints what each of the ways has lost.
//
// With -replicas 1 or 2 and -nodes 2 or 3 it shows a small fleet on a cluster of the registry: there the news of a
// successor may come later than the news that the old one has gone.
//
// With -through haproxy clients call a HAProxy, and the table counts the calls that were run twice, too.
//
// It needs nothing but itself, and haproxy for -through: the naming server runs inside it, and it runs itself again as
// the player of each strategy, which has the clients, and as the backends.
// It exits with 0, or with 1 when Lossless lost a call, cut a stream, or something did not work, and
// with 2 when a flag is wrong. Processes are ended with SIGTERM, so it needs a Unix system.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/lameduck-go/lameduck/example/internal/flags"
)

func main() {
	switch {
	case isBackend():
		os.Exit(backendMain())
	case isPlayer():
		os.Exit(playerMain())
	}
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
	d, err := newDemo(&c, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "rolling: %v\n", err)
		return flags.ExitError
	}
	results, err := d.run(ctx)
	if err == nil {
		err = print(stdout, &c, results)
	}
	if err == nil {
		err = verdict(results)
	}
	if err != nil {
		fmt.Fprintf(stderr, "rolling: %v\n", err)
	}
	d.close(err != nil && ctx.Err() == nil)
	if err != nil {
		return flags.ExitError
	}
	return 0
}
