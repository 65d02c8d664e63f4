// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener hands out one connection in memory.
type pipeListener struct{ conns chan net.Conn }

func (l pipeListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l pipeListener) Close() error {
	close(l.conns)
	return nil
}

func (pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// The Shutdown of net/http looks twice a second for what Stop has done; a GracefulStop that late would count as
// hanging.
func TestHTTPServerGracefulStopEndsWithStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer client.Close()
		l := pipeListener{make(chan net.Conn, 1)}
		l.conns <- server
		called, release := make(chan struct{}), make(chan struct{})
		s := HTTPServer(&http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(called)
			<-release
		})})
		served, stopped := make(chan error, 1), make(chan time.Time, 1)
		go func() { served <- s.Serve(l) }()
		go io.WriteString(client, "GET / HTTP/1.1\r\nHost: service\r\n\r\n")
		<-called
		go func() {
			s.GracefulStop()
			stopped <- time.Now()
		}()
		time.Sleep(10 * time.Second)
		s.Stop()
		began := time.Now()
		if took := (<-stopped).Sub(began); took != 0 {
			t.Errorf("GracefulStop returned %v after Stop, want at once", took)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
		close(release)
	})
}

// What asks for a certificate makes it TLS, as a list of certificates does.
func TestHTTPServerWithAFunctionForCertificates(t *testing.T) {
	errNone := errors.New("no certificate")
	asked := make(chan string, 2)
	for name, config := range map[string]*tls.Config{
		"GetCertificate": {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			asked <- "GetCertificate"
			return nil, errNone
		}},
		"GetConfigForClient": {GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			asked <- "GetConfigForClient"
			return nil, errNone
		}},
	} {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := HTTPServer(&http.Server{TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)})
		served := make(chan error, 1)
		go func() { served <- s.Serve(lis) }()
		if conn, err := tls.Dial("tcp", lis.Addr().String(), &tls.Config{ServerName: "localhost"}); err == nil {
			conn.Close()
			t.Errorf("%s: Dial() = nil, want the server's refusal", name)
		}
		select {
		case got := <-asked:
			if got != name {
				t.Errorf("%s was asked, want %s", got, name)
			}
		default:
			t.Errorf("%s was not asked, want TLS", name)
		}
		s.GracefulStop()
		if err := <-served; err != nil {
			t.Errorf("%s: Serve() = %v after GracefulStop, want nil", name, err)
		}
	}
}

// net/http changes TLSConfig when it begins to serve: with several listeners that is a race (seen by the race
// detector).
func TestHTTPServerOnTwoListeners(t *testing.T) {
	for range 5 {
		var listeners []net.Listener
		for range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			listeners = append(listeners, l)
		}
		m := New(HTTPServer(&http.Server{Handler: http.NotFoundHandler()}), WithSettle(0), WithQuiet(0), WithLogger(slog.New(slog.DiscardHandler)))
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error, 1)
		go func() { result <- m.Run(ctx, listeners...) }()
		for _, l := range listeners {
			resp, err := http.Get("http://" + l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
		}
		cancel()
		if err := <-result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	}
}
