// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/internal/directory"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// startHTTP runs s, which has a handler that counts its requests by tracker.
func startHTTP(t *testing.T, s *http.Server, tracker *interceptor.Tracker, opts ...lifecycle.Option) *instance {
	t.Helper()
	lis := listen(t)
	i := &instance{addr: lis.Addr().String(), result: make(chan error, 1)}
	s.Handler = tracker.Handler(s.Handler)
	i.Manager = lifecycle.New(lifecycle.HTTPServer(s), append(opts, lifecycle.WithCalls(tracker), lifecycle.WithLogger(slog.New(slog.DiscardHandler)))...)
	ctx, cancel := context.WithCancel(context.Background())
	i.stop = cancel
	go func() { i.result <- i.Run(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		i.Force()
		<-i.result
	})
	i.await(t, "ready", func() bool { return i.Status().Ready })
	return i
}

// post sends a request that net/http does not repeat once a byte of it has left.
func post(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("hello"))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// TestKeptConnections: clients that keep a connection for as long as the server lets them, and look where to go only
// when they open one, as those of a Kubernetes Service do.
func TestKeptConnections(t *testing.T) {
	t.Parallel()
	var d directory.Directory
	start := func() *instance {
		t.Helper()
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
		return startHTTP(t, &http.Server{Handler: handler}, new(interceptor.Tracker), lifecycle.WithRegistrar(d.Entry("")))
	}
	old := []*instance{start(), start()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls, failed atomic.Int64
	var calling sync.WaitGroup
	for range 32 {
		calling.Go(func() {
			client := keptConnections(t, &d)
			for ctx.Err() == nil {
				calls.Add(1)
				if err := post(t.Context(), client, "http://service/"); err != nil {
					failed.Add(1)
					t.Logf("call: %v", err)
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for _, i := range old {
		start()
		i.stop()
		if err := i.finish(t); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
	cancel()
	calling.Wait()
	if failed.Load() > 0 || calls.Load() < 100 {
		t.Errorf("%d of %d calls failed, want none of many", failed.Load(), calls.Load())
	}
}

// TestDeadlineOfConnContext: a server that limits the life of its connections is not in a handshake.
func TestDeadlineOfConnContext(t *testing.T) {
	t.Parallel()
	var tracker interceptor.Tracker
	i := startHTTP(t, &http.Server{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(2500 * time.Millisecond) }),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Errorf("SetDeadline() = %v", err)
			}
			return ctx
		},
	}, &tracker, quick()...)
	answered := make(chan error, 1)
	go func() { answered <- post(t.Context(), http.DefaultClient, "http://"+i.addr) }()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	i.stop()
	if err := <-answered; err != nil {
		t.Errorf("the request in flight: %v, want an answer", err)
	}
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
}

// TestForcedHTTPServer: a handler that does not return is cut, and nothing else hangs.
func TestForcedHTTPServer(t *testing.T) {
	t.Parallel()
	var tracker interceptor.Tracker
	release := make(chan struct{})
	i := startHTTP(t, &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })}, &tracker, quick()...)
	answered := make(chan error, 1)
	go func() { answered <- post(t.Context(), http.DefaultClient, "http://"+i.addr) }()
	i.await(t, "calling", func() bool { return i.Status().Calls.Unary == 1 })
	i.Force()
	if err := i.finish(t); !errors.Is(err, lifecycle.ErrForcedStop) {
		t.Errorf("Run() = %v, want ErrForcedStop", err)
	}
	close(release)
	if err := <-answered; err == nil {
		t.Error("the request of a handler that was cut: nil, want an error")
	}
	if r := i.Report(); r.CallsCut != 1 || len(r.Abandoned) > 0 {
		t.Errorf("Report: %d cut, %q abandoned, want 1 and nothing", r.CallsCut, r.Abandoned)
	}
}
