// SPDX-License-Identifier: Apache-2.0

// Nacos is a Nacos naming server to try a program with: nacostest, with a log of what clients do, and an operator's
// commands on standard input. It keeps nothing, asks for no login, and is no registry for anything that matters.
//
// It prints one line, "listening on ADDR", then what commands answer, and logs to stderr. It ends with an interrupt or
// SIGTERM, and not with the end of its input. It exits with 0, with 1 on an error, and with 2 when a flag is wrong.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func main() {
	ignoreTerminal()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("nacos", flag.ContinueOnError)
	listen := set.String("listen", "127.0.0.1:8848", "serve HTTP on `HOST:PORT`, and gRPC on PORT+1000; port 0: any pair that is free")
	err := flags.Parse(set, args)
	if err == nil {
		err = flags.HostPort("listen", *listen, 0)
	}
	if err != nil {
		return flags.Exit(set, err, stderr)
	}
	log := newLog(stderr)
	registry, err := nacostest.NewServer(nacostest.Options{Addr: *listen, Logger: log})
	if err != nil {
		fmt.Fprintf(stderr, "nacos: %v\n", err)
		return flags.ExitError
	}
	defer registry.Close()
	fmt.Fprintf(stdout, "listening on %s\n", registry.Addr())
	log.Info("commands are read from standard input; help shows them")
	serve(ctx, &operator{registry, stdout}, stdin, log)
	return 0
}

// serve does what it reads from stdin, until ctx ends.
func serve(ctx context.Context, o *operator, stdin io.Reader, log *slog.Logger) {
	lines := readLines(ctx, stdin)
	for {
		select {
		case <-ctx.Done():
			return
		case line, ok := <-lines:
			if !ok {
				log.Info("no more commands: the input has ended; SIGINT or SIGTERM ends the program")
				<-ctx.Done()
				return
			}
			o.do(line)
		}
	}
}

// readLines sends the lines of in. Nobody waits for its goroutine: a Read of standard input cannot be ended.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- scanner.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
