// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

const (
	scheduleBudget = 12 * time.Second
	scheduleSettle = time.Second
	scheduleCheck  = 2 * time.Second
)

// A scheduled instance is one server process in small.
type scheduled struct {
	*lifecycle.Manager
	number int
	addr   string
	leave  context.CancelFunc
	result chan error

	err          error       // of Run
	shared       atomic.Bool // somebody else has published its address
	told         atomic.Bool // by an operator, or to go
	falseOffline atomic.Int64
	ghost        atomic.Bool
}

type answering struct {
	testpb.UnimplementedTestServiceServer
}

func (answering) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

func (s *scene) newScheduled(n int) (*scheduled, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &scheduled{number: n, addr: lis.Addr().String(), result: make(chan error, 1)}
	log := s.log.With("instance", n, "addr", i.addr)
	cfg := s.config()
	cfg.Logger = log
	r, err := nacos.New(cfg, nacos.Instance{Service: s.service})
	if err != nil {
		return nil, errors.Join(err, lis.Close())
	}
	r.CheckEvery(scheduleCheck)
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, answering{})
	i.Manager = lifecycle.New(srv,
		lifecycle.WithCalls(&tracker), lifecycle.WithHealth(health.Register(srv)), lifecycle.WithRegistrar(r), lifecycle.WithLogger(log),
		lifecycle.WithBudget(scheduleBudget), lifecycle.WithSettle(scheduleSettle), lifecycle.WithQuiet(200*time.Millisecond),
		lifecycle.WithOnState(func(state lifecycle.State) {
			if state == lifecycle.Draining && !i.told.Load() {
				i.falseOffline.Add(1)
			}
		}))
	ctx, cancel := context.WithCancel(context.Background())
	i.leave = cancel
	go func() { i.result <- i.Run(ctx, lis) }()
	return i, nil
}

// stop ends the instance and waits for it.
func (s *scene) stop(i *scheduled) {
	i.told.Store(true)
	i.leave()
	i.err = <-i.result
	i.ghost.Store(s.staysPublished(i.addr))
	s.log.Warn("exit", "instance", i.number, "addr", i.addr, "err", i.err, "listed", i.ghost.Load())
}
