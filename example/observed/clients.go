// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
)

// clients are who calls the instance.
type clients struct {
	calling sync.WaitGroup
	conns   []*grpc.ClientConn
}

func (c *clients) dial(addr, agent string) (testpb.TestServiceClient, error) {
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithUserAgent(agent),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	c.conns = append(c.conns, conn)
	return testpb.NewTestServiceClient(conn), nil
}

// pin calls ten times a second, for as long as the address answers: it follows no registry.
func (c *clients) pin(ctx context.Context, addr string) error {
	client, err := c.dial(addr, "pinned/1.0")
	if err != nil {
		return err
	}
	c.calling.Go(func() {
		for {
			if _, err := client.EmptyCall(ctx, &testpb.Empty{}); err != nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return nil
}

// stream opens a stream and reads until it is ended.
func (c *clients) stream(ctx context.Context, addr string) error {
	client, err := c.dial(addr, "subscriber/1.0")
	if err != nil {
		return err
	}
	stream, err := client.FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	c.calling.Go(func() {
		for {
			if _, err := stream.Recv(); err != nil {
				return
			}
		}
	})
	return nil
}

// slow makes one call of the slow method.
func (c *clients) slow(ctx context.Context, addr string) error {
	client, err := c.dial(addr, "batch/1.0")
	if err != nil {
		return err
	}
	c.calling.Go(func() { _, _ = client.UnaryCall(ctx, &testpb.SimpleRequest{}) })
	return nil
}

func (c *clients) close() error {
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	c.calling.Wait()
	return errors.Join(errs...)
}
