// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// TestGracefulStopByTheProgram: another signal handler stops the server while a call is open. That is an error at once,
// not when the call ends.
func TestGracefulStopByTheProgram(t *testing.T) {
	t.Parallel()
	srv := grpc.NewServer()
	release := make(chan struct{})
	testpb.RegisterTestServiceServer(srv, testService{instance: &instance{release: release}})
	m := lifecycle.New(srv, lifecycle.WithLogger(silent), lifecycle.WithSettle(100*time.Millisecond), lifecycle.WithBudget(20*time.Second))
	lis := listen(t)
	result := make(chan error, 1)
	go func() { result <- m.Run(t.Context(), lis) }()
	client := testpb.NewTestServiceClient((&instance{addr: lis.Addr().String()}).dial(t))
	called := make(chan error, 1)
	go func() {
		_, err := client.UnaryCall(t.Context(), &testpb.SimpleRequest{FillUsername: true}, grpc.WaitForReady(true))
		called <- err
	}()
	await(t, "calling", func() bool { return m.Status().State == lifecycle.Serving })
	time.Sleep(200 * time.Millisecond)
	began := time.Now()
	go srv.GracefulStop()
	await(t, "draining", func() bool { return m.Status().State >= lifecycle.Draining })
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("noticed after %v, want at once", took)
	}
	close(release)
	if err := <-called; err != nil {
		t.Errorf("UnaryCall() = %v, want nil", err)
	}
	if err := <-result; err == nil || !strings.Contains(err.Error(), "stopped by somebody else") {
		t.Errorf("Run() = %v, want that the server was stopped by somebody else", err)
	}
	if at := m.Report().StoppedByOther; at.Before(began) || at.Sub(began) > 5*time.Second {
		t.Errorf("Report.StoppedByOther = %v, want it after %v", at, began)
	}
}

// TestCallsOnHijackedConnections: net/http knows nothing of them, and they are waited for, or counted as cut.
func TestCallsOnHijackedConnections(t *testing.T) {
	for name, work := range map[string]time.Duration{"in time": time.Second, "too long": time.Minute} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var tracker interceptor.Tracker
			ended := make(chan struct{})
			over, cancel := context.WithTimeout(t.Context(), work)
			defer cancel()
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				defer close(ended)
				conn, _, err := w.(http.Hijacker).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				<-over.Done()
			})
			m := lifecycle.New(lifecycle.HTTPServer(&http.Server{Handler: tracker.Handler(handler)}), lifecycle.WithCalls(&tracker),
				lifecycle.WithSettle(0), lifecycle.WithQuiet(100*time.Millisecond), lifecycle.WithStreamGrace(2*time.Second), lifecycle.WithLogger(silent))
			lis := listen(t)
			result := make(chan error, 1)
			go func() { result <- m.Run(context.Background(), lis) }()
			go http.Get("http://" + lis.Addr().String())
			await(t, "calling", func() bool { unary, _ := tracker.InFlight(); return unary == 1 })
			began := time.Now()
			err := m.Shutdown(t.Context())
			<-result
			report := m.Report()
			if work < time.Minute {
				select {
				case <-ended:
				default:
					t.Error("Run has returned before the handler")
				}
				if err != nil || report.Forced {
					t.Errorf("Shutdown() = %v, forced %t; want nil, false", err, report.Forced)
				}
				return
			}
			if lifecycle.ExitCode(err) != 3 || report.CallsCut != 1 || !report.ConnectionsUnknown {
				t.Errorf("Shutdown() = %v, Report = %+v; want one call cut, and forced", err, report)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("Shutdown took %v, want the grace of streams", took)
			}
		})
	}
}

// A limited listener hands out what is no *net.TCPConn, as netutil.LimitListener does.
type limited struct{ net.Listener }

type limitedConn struct{ net.Conn }

func (l limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return limitedConn{c}, nil
}

// TestSilentConnectionBeneathAWrapper: it holds the stop for a second where it is watched beneath, and it is said where
// it is not.
func TestSilentConnectionBeneathAWrapper(t *testing.T) {
	for name, watch := range map[string]bool{"watched beneath": true, "not watched": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log lines
			srv := grpc.NewServer()
			m := lifecycle.New(srv, lifecycle.WithLogger(log.logger()), lifecycle.WithSettle(0), lifecycle.WithQuiet(0), lifecycle.WithBudget(6*time.Second))
			root := listen(t)
			addr := root.Addr().String()
			if watch {
				root = m.WatchHandshakes(root)
			}
			result := make(chan error, 1)
			go func() { result <- m.Run(context.Background(), limited{root}) }()
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.Read(make([]byte, 1)); err != nil { // the server's preface: it is in its handshake
				t.Fatal(err)
			}
			began := time.Now()
			err = m.Shutdown(t.Context())
			<-result
			took, report := time.Since(began), m.Report()
			if said := strings.Count(log.String(), "connections are not watched"); (said == 1) == watch {
				t.Errorf("it was said %d times that connections are not watched, want once where they are not:\n%s", said, log.String())
			}
			if watch && (err != nil || took > 4*time.Second || report.ConnectionsUnknown) {
				t.Errorf("Shutdown() = %v after %v, Report = %+v; want nil after a second", err, took, report)
			}
			if !watch && (!report.Forced || !report.ConnectionsUnknown || !strings.Contains(err.Error(), "an unknown number of connections")) {
				t.Errorf("Shutdown() = %v, Report = %+v; want forced, and unknown connections", err, report)
			}
		})
	}
}

// TestMainThatEndsWithServe: Serve of net/http returns when the stop begins, and Shutdown, which is shared, when it has
// ended.
func TestMainThatEndsWithServe(t *testing.T) {
	t.Parallel()
	var tracker interceptor.Tracker
	server := lifecycle.HTTPServer(&http.Server{Handler: tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(2 * time.Second)
	}))})
	hooked := false
	m := lifecycle.New(server, lifecycle.WithCalls(&tracker), lifecycle.WithSettle(100*time.Millisecond), lifecycle.WithQuiet(100*time.Millisecond),
		lifecycle.WithOnStop(func(context.Context) error { hooked = true; return nil }), lifecycle.WithLogger(silent))
	lis := m.WatchHandshakes(listen(t))
	if err := m.Start(t.Context(), lis.Addr()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- errors.Join(server.Serve(lis), m.Shutdown(context.Background())) }() // main
	called := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + lis.Addr().String())
		if err == nil {
			err = resp.Body.Close()
		}
		called <- err
	}()
	await(t, "calling", func() bool { unary, _ := tracker.InFlight(); return unary == 1 })
	go m.Shutdown(context.Background())
	if err := <-ended; err != nil || !hooked {
		t.Errorf("main has ended with %v, hook called: %t; want nil, true", err, hooked)
	}
	select {
	case err := <-called:
		if err != nil {
			t.Errorf("Get() = %v, want nil", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("main has ended, and the call goes on")
	}
}
