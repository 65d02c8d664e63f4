// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

const (
	textMost  = 128 // printable bytes of what a client may choose
	pathsMost = 64  // of the path of an HTTP request
)

// callerKey is what late RPCs are counted by.
type callerKey struct{ peer, method, userAgent string }

// callerOf asks who has sent an RPC. It is not called while serving.
func (t *Tracker) callerOf(ctx context.Context, method string) callerKey {
	return newCallerKey(ctx, t.peerOf(ctx), method)
}

// newCallerKey is of a peer that is printable.
func newCallerKey(ctx context.Context, peer, method string) callerKey {
	agent := ""
	if values := metadata.ValueFromIncomingContext(ctx, "user-agent"); len(values) > 0 {
		agent = values[0]
	}
	return callerKey{peer, printable(method, textMost), printable(agent, textMost)}
}

// requestOf is callerOf for a request to Handler.
func (t *Tracker) requestOf(r *http.Request) callerKey {
	name := t.named(r.Context())
	if name == "" && r.TLS != nil {
		name = firstURI(r.TLS)
	}
	if name == "" {
		name = host(r.RemoteAddr)
	}
	method := r.Method + " " + printable(r.URL.Path, pathsMost)
	return callerKey{printable(name, textMost), method, printable(r.UserAgent(), textMost)}
}

func (t *Tracker) peerOf(ctx context.Context) string {
	if name := t.named(ctx); name != "" {
		return printable(name, textMost)
	}
	return identity(ctx)
}

// named asks Caller. A panic there must not cost an RPC its answer: it is not one of the handler's.
func (t *Tracker) named(ctx context.Context) (name string) {
	if t.Caller == nil {
		return ""
	}
	defer func() {
		if recover() != nil {
			name = ""
		}
	}()
	return t.Caller(ctx)
}

// identity is the first URI of the certificate, else the host.
func identity(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	name := ""
	if secured, ok := p.AuthInfo.(credentials.TLSInfo); ok {
		name = firstURI(&secured.State)
	}
	if name == "" && p.Addr != nil {
		name = host(p.Addr.String())
	}
	return printable(name, textMost)
}

// firstURI is that of the peer's certificate, a SPIFFE ID for example; empty where there is none.
func firstURI(state *tls.ConnectionState) string {
	if certs := state.PeerCertificates; len(certs) > 0 && len(certs[0].URIs) > 0 {
		return certs[0].URIs[0].String()
	}
	return ""
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}

// printable is what of s is printable ASCII, cut to most bytes: it comes from outside, and goes into logs.
func printable(s string, most int) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s[:min(len(s), 4*most)])
	return clean[:min(len(clean), most)]
}
