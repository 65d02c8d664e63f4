// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// HTTPServer makes an http.Server a Server: a gateway in front of the gRPC server, or gRPC itself through ServeHTTP.
// For the latter give it to New in the place of the grpc.Server: the GracefulStop of grpc-go cuts off all calls that
// came through ServeHTTP (v1.85.0, handler_server.go).
//
// Serve uses TLS when s.TLSConfig has a certificate or a function that gets one. For HTTP/2 without TLS set
// s.Protocols; golang.org/x/net's h2c.NewHandler hijacks its connections, and no graceful stop waits for those.
// GracefulStop blocks until the requests under way have ended and Stop closes their connections; neither waits for
// hijacked connections (WebSockets). A client that keeps its HTTP/2 connection after GOAWAY holds GracefulStop for one
// second after its last request, and a connection that has sent nothing for up to six (net/http, Go 1.26).
//
// It is nil when s is nil: an error of Run as the first server, ignored as a further one.
func HTTPServer(s *http.Server) Server {
	if s == nil {
		return nil
	}
	return &httpServer{Server: s, stopped: make(chan struct{})}
}

type httpServer struct {
	*http.Server
	look    sync.Once
	secure  bool // TLS is asked for, as seen before net/http has changed TLSConfig
	stop    sync.Once
	stopped chan struct{}
}

func (s *httpServer) Serve(l net.Listener) error {
	s.look.Do(func() {
		c := s.TLSConfig
		s.secure = c != nil && (len(c.Certificates) > 0 || c.GetCertificate != nil || c.GetConfigForClient != nil)
	})
	serve := s.Server.Serve
	if s.secure {
		serve = func(l net.Listener) error { return s.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// GracefulStop returns when Stop has closed the connections, too; Shutdown would look for that every half second.
func (s *httpServer) GracefulStop() {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-s.stopped:
			cancel()
		case <-ctx.Done():
		}
	})
	_ = s.Shutdown(ctx)
	cancel()
	watching.Wait()
}

func (s *httpServer) Stop() {
	_ = s.Close()
	s.stop.Do(func() { close(s.stopped) })
}
