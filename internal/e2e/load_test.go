// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // client-side health checking
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A load calls all the time, through the resolver, without any retry policy.
type load struct {
	calls, failed atomic.Int64
	last          atomic.Value // error
	stop          context.CancelFunc
	done          chan struct{}
}

const (
	plainConfig  = `{"loadBalancingConfig":[{"round_robin":{}}]}`
	healthConfig = `{"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}}`
)

func startLoad(t *testing.T, registry *nacostest.Server) *load {
	t.Helper()
	return startLoadTo(t, "nacos:///"+service, plainConfig,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{registry.Addr()}})))
}

func startLoadTo(t *testing.T, target, config string, opts ...grpc.DialOption) *load {
	t.Helper()
	conn, err := grpc.NewClient(target, append(opts,
		grpc.WithDefaultServiceConfig(config), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	l := &load{done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go func() {
		defer close(l.done)
		defer conn.Close()
		client := testpb.NewTestServiceClient(conn)
		for ctx.Err() == nil {
			l.calls.Add(1)
			limited, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if _, err := client.EmptyCall(limited, &testpb.Empty{}); err != nil {
				l.failed.Add(1)
				l.last.Store(err)
			}
			cancel()
			select {
			case <-ctx.Done():
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { l.end(t) })
	await(t, "calling", func() bool { return l.calls.Load() >= 20 })
	return l
}

func (l *load) end(t *testing.T) {
	t.Helper()
	l.stop()
	<-l.done
	if n := l.failed.Load(); n > 0 {
		t.Errorf("%d of %d calls failed, want none; the last: %v", n, l.calls.Load(), l.last.Load())
	}
}

// lines collects a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }
