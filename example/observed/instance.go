// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
)

// slowCall is how long the slow method takes, and budget what the offline has.
const (
	slowCall = 10 * time.Second
	budget   = 15 * time.Second
)

// instance is the server that is observed.
type instance struct {
	testpb.UnimplementedTestServiceServer
	manager *lifecycle.Manager
	addr    string
	reader  *sdkmetric.ManualReader
	log     lines
	inHook  string // the metrics as a hook sees them
	over    chan error
}

func (*instance) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

// UnaryCall is the slow one.
func (*instance) UnaryCall(ctx context.Context, _ *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	select {
	case <-ctx.Done():
	case <-time.After(slowCall):
	}
	return &testpb.SimpleResponse{}, ctx.Err()
}

// FullDuplexCall does not heed that it is told to end.
func (*instance) FullDuplexCall(stream testpb.TestService_FullDuplexCallServer) error {
	<-stream.Context().Done()
	return stream.Context().Err()
}

// start serves, and registers at registry.
func (i *instance) start(ctx context.Context, registry string) error {
	registrar, err := nacos.New(
		nacos.Config{Servers: []string{registry}, Logger: slog.New(slog.DiscardHandler)},
		nacos.Instance{Service: "greeter", Metadata: map[string]string{"zone": "a"}},
	)
	if err != nil {
		return err
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	i.addr, i.over, i.reader = lis.Addr().String(), make(chan error, 1), sdkmetric.NewManualReader()
	listed := make(chan struct{})
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, i)
	i.manager = lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithRegistrar(registrar),
		lifecycle.WithBudget(budget),
		lifecycle.WithSignals(syscall.SIGTERM),
		lifecycle.WithLogger(slog.New(slog.NewTextHandler(&i.log, &slog.HandlerOptions{ReplaceAttr: sinceStart(time.Now())}))),
		lifecycle.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(i.reader))),
		lifecycle.WithOnStop(func(ctx context.Context) error {
			i.inHook, err = metrics(ctx, i.reader)
			return err
		}),
	)
	go func() { i.over <- i.manager.Run(ctx, lis) }() // its end is waited for
	go func() {                                       // ends with the loop
		defer close(listed)
		for !i.manager.Status().Ready && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
	}()
	select {
	case <-listed:
		return nil
	case err := <-i.over:
		return err
	}
}

// sinceStart shows times as seconds, so that a line is short.
func sinceStart(start time.Time) func([]string, slog.Attr) slog.Attr {
	return func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String("t", a.Value.Time().Sub(start).Round(10*time.Millisecond).String())
		}
		return a
	}
}

// lines is a log that can be read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.text.String())
}
