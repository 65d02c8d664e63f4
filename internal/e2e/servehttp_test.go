// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/internal/directory"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// startServeHTTP runs a gRPC server through ServeHTTP, by TLS when config is not nil and by HTTP/2 without TLS
// otherwise.
func startServeHTTP(t *testing.T, config *tls.Config, opts ...lifecycle.Option) *instance {
	t.Helper()
	lis := listen(t)
	i := &instance{addr: lis.Addr().String(), slow: make(chan time.Duration, 8), result: make(chan error, 1)}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, testService{instance: i})
	h := &http.Server{Handler: srv, TLSConfig: config.Clone(), Protocols: new(http.Protocols)}
	h.Protocols.SetHTTP2(true)
	h.Protocols.SetUnencryptedHTTP2(config == nil)
	i.Manager = lifecycle.New(lifecycle.HTTPServer(h), append(opts, lifecycle.WithCalls(&tracker), lifecycle.WithBudget(testBudget), lifecycle.WithLogger(slog.New(slog.DiscardHandler)))...)
	ctx, cancel := context.WithCancel(context.Background())
	i.stop = cancel
	go func() { i.result <- i.Run(ctx, lis) }()
	t.Cleanup(func() {
		cancel()
		<-i.result
	})
	i.await(t, "ready", func() bool { return i.Status().Ready })
	return i
}

// throughServeHTTP runs test for both ways to speak HTTP/2 by net/http.
func throughServeHTTP(t *testing.T, test func(*testing.T, *tls.Config, grpc.DialOption)) {
	t.Parallel()
	t.Run("without TLS", func(t *testing.T) {
		t.Parallel()
		test(t, nil, grpc.WithTransportCredentials(insecure.NewCredentials()))
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		// The certificate is its own authority.
		cert := certificate(t)
		roots := x509.NewCertPool()
		roots.AddCert(cert.Leaf)
		test(t, &tls.Config{Certificates: []tls.Certificate{cert}}, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots})))
	})
}

// TestCallsInFlightThroughServeHTTP: calls of one connection that all end in the same moment, later than a handshake
// may take, are answered.
func TestCallsInFlightThroughServeHTTP(t *testing.T) {
	throughServeHTTP(t, func(t *testing.T, config *tls.Config, creds grpc.DialOption) {
		i := startServeHTTP(t, config, quick()...)
		conn, err := grpc.NewClient("passthrough:///"+i.addr, creds)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var calling sync.WaitGroup
		for n := range cap(i.slow) {
			// Around handshakeGrace, which is nothing to these connections.
			i.slow <- 900*time.Millisecond + time.Duration(n)*50*time.Millisecond
			calling.Go(func() {
				if _, err := testpb.NewTestServiceClient(conn).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
					t.Errorf("EmptyCall() = %v, want nil", err)
				}
			})
		}
		i.await(t, "calling", func() bool { return i.Status().Calls.Unary == cap(i.slow) })
		i.stop()
		calling.Wait()
		if err := i.finish(t); err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	})
}

func TestStreamThroughServeHTTPThatIsEndedSaysWhy(t *testing.T) {
	throughServeHTTP(t, func(t *testing.T, config *tls.Config, creds grpc.DialOption) {
		i := startServeHTTP(t, config, quick()...)
		conn, err := grpc.NewClient("passthrough:///"+i.addr, creds)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		i.endsStream(t, conn)
	})
}

// TestSilentConnectionToHTTP: net/http gives a connection five seconds to send something, and looks once every half.
func TestSilentConnectionToHTTP(t *testing.T) {
	t.Parallel()
	i := startServeHTTP(t, nil, quick()...)
	conn, err := net.Dial("tcp", i.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := testpb.NewTestServiceClient(i.dial(t)).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
		t.Fatal(err) // the silent connection was accepted before this one
	}
	i.stop()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil within the budget of %v", err, testBudget)
	}
}

// TestRollingRestartThroughServeHTTP replaces the servers under load, and loses nothing.
func TestRollingRestartThroughServeHTTP(t *testing.T) {
	throughServeHTTP(t, func(t *testing.T, config *tls.Config, creds grpc.DialOption) {
		var d directory.Directory
		start := func() *instance {
			t.Helper()
			return startServeHTTP(t, config, lifecycle.WithRegistrar(d.Entry("")))
		}
		old := []*instance{start(), start()}

		var calls, failed atomic.Int64
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var calling sync.WaitGroup
		for range 8 {
			calling.Go(func() {
				conns := map[string]*grpc.ClientConn{}
				for ctx.Err() == nil {
					addr := d.Pick()
					if conns[addr] == nil {
						conn, err := grpc.NewClient("passthrough:///"+addr, creds)
						if err != nil {
							t.Error(err)
							return
						}
						defer conn.Close()
						conns[addr] = conn
					}
					calls.Add(1)
					if _, err := testpb.NewTestServiceClient(conns[addr]).EmptyCall(t.Context(), &testpb.Empty{}); err != nil {
						failed.Add(1)
						t.Logf("call: %v", err)
					}
					time.Sleep(time.Millisecond)
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
	})
}

func selfSigned(t *testing.T) credentials.TransportCredentials {
	t.Helper()
	return credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{certificate(t)}})
}

// certificate is for 127.0.0.1, and signed by itself.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
