// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
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

func newCallerKey(ctx context.Context, peer, method string) callerKey {
	agent := ""
	if values := metadata.ValueFromIncomingContext(ctx, "user-agent"); len(values) > 0 {
		agent = values[0]
	}
	return callerKey{printable(peer, textMost), printable(method, textMost), printable(agent, textMost)}
}

// requestOf is callerOf for a request to Handler.
func (t *Tracker) requestOf(r *http.Request) callerKey {
	name := t.named(r.Context())
	if name == "" && r.TLS != nil && len(r.TLS.PeerCertificates) > 0 && len(r.TLS.PeerCertificates[0].URIs) > 0 {
		name = r.TLS.PeerCertificates[0].URIs[0].String()
	}
	if name == "" {
		name = host(r.RemoteAddr)
	}
	method := r.Method + " " + printable(r.URL.Path, pathsMost)
	return callerKey{printable(name, textMost), method, printable(r.UserAgent(), textMost)}
}

func (t *Tracker) peerOf(ctx context.Context) string {
	name := t.named(ctx)
	if name == "" {
		name = identity(ctx)
	}
	return printable(name, textMost)
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

// identity is the first URI of the certificate, a SPIFFE ID for example, else the host.
func identity(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if tls, ok := p.AuthInfo.(credentials.TLSInfo); ok {
		if certs := tls.State.PeerCertificates; len(certs) > 0 && len(certs[0].URIs) > 0 {
			return certs[0].URIs[0].String()
		}
	}
	if p.Addr == nil {
		return ""
	}
	return host(p.Addr.String())
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
