// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// life is one run of the server's process: what a kill takes away.
type life struct {
	server  *Server
	naming  *naming
	serving time.Time // it accepts connections earlier
	rpc     *grpc.Server
	web     *http.Server
	links   *links // of the gRPC port
	doors   *links // of the HTTP port

	mu    sync.Mutex
	conns map[string]*connection // by the client's address

	owner sync.WaitGroup
}

func (s *Server) startLife(web, rpc net.Listener) *life {
	l := &life{
		server:  s,
		naming:  newNaming(s.cluster, s.opts, s.gate.wait),
		links:   newLinks(rpc, &s.gate),
		doors:   newLinks(web, &s.gate),
		serving: time.Now().Add(s.faults.serveAfter()),
		conns:   map[string]*connection{},
	}
	s.faults.apply(l.naming)
	l.log("up", "http", web.Addr(), "grpc", rpc.Addr())
	l.rpc = l.newGRPCServer()
	l.web = &http.Server{Handler: l.handler(), ErrorLog: quietLog, ConnState: l.countDoors}

	l.owner.Go(func() { _ = l.rpc.Serve(l.links) })
	var open net.Listener = l.doors
	if s.opts.TLS != nil {
		open = tls.NewListener(open, s.opts.TLS)
	}
	l.owner.Go(func() { _ = l.web.Serve(open) })
	l.owner.Go(func() { l.detect(l.naming.agenda.done) })
	return l
}

func (l *life) newGRPCServer() *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.ForceServerCodec(payloadCodec{}),
		grpc.StatsHandler(connectionTags{l}),
		grpc.WaitForHandlers(true),
	}
	if l.server.opts.TLS != nil {
		opts = append(opts, grpc.Creds(credentials.NewTLS(l.server.opts.TLS.Clone())))
	}
	server := grpc.NewServer(opts...)
	for _, d := range l.services() {
		server.RegisterService(&d, nil)
	}
	return server
}

// stop ends everything and waits for it.
func (l *life) stop() {
	l.naming.close()
	l.doors.kill()
	l.links.kill()
	_ = l.web.Close()
	l.rpc.Stop()
	l.owner.Wait()
}

// countDoors makes stop wait for the HTTP connections' goroutines, which
// http.Server.Close does not.
func (l *life) countDoors(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		l.owner.Add(1)
	case http.StateClosed, http.StateHijacked:
		l.owner.Done()
	}
}
