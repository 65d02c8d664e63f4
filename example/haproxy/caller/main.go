// SPDX-License-Identifier: Apache-2.0

// Caller calls through a balancer, without a retry policy, until it is interrupted, and prints how many calls it has made
// and how many of them have failed.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

const (
	connections = 8
	callers     = 4 // on each
	limit       = 10 * time.Second
)

func main() {
	target := flag.String("target", "unix:///run/haproxy/front.sock", "the balancer")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *target)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, target string) error {
	var calls, failed atomic.Int64
	var running sync.WaitGroup
	for range connections {
		conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer conn.Close()
		for range callers {
			running.Go(func() {
				for ctx.Err() == nil {
					limited, cancel := context.WithTimeout(context.Background(), limit)
					if _, err := testpb.NewTestServiceClient(conn).EmptyCall(limited, &testpb.Empty{}); err != nil {
						failed.Add(1)
						log.Print(err)
					}
					calls.Add(1)
					cancel()
				}
			})
		}
	}
	running.Wait()
	fmt.Println("calls", calls.Load())
	fmt.Println("failed", failed.Load())
	return nil
}
