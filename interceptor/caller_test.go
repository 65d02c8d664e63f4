// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// from makes the context of an RPC as grpc makes it for a server.
func from(addr, agent string, uris ...string) context.Context {
	p := &peer.Peer{Addr: tcpAddr(addr)}
	if len(uris) > 0 {
		certificate := &x509.Certificate{}
		for _, u := range uris {
			parsed, _ := url.Parse(u)
			certificate.URIs = append(certificate.URIs, parsed)
		}
		p.AuthInfo = credentials.TLSInfo{State: tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}}
	}
	return metadata.NewIncomingContext(peer.NewContext(context.Background(), p), metadata.Pairs("user-agent", agent))
}

type tcpAddr string

func (tcpAddr) Network() string  { return "tcp" }
func (a tcpAddr) String() string { return string(a) }

var _ net.Addr = tcpAddr("")

func call(tb testing.TB, ctx context.Context, tracker *Tracker, method string) {
	tb.Helper()
	info := &grpc.UnaryServerInfo{FullMethod: method}
	if _, err := tracker.UnaryServerInterceptor()(ctx, "", info, benchHandler); err != nil {
		tb.Fatal(err)
	}
}

func TestCallersOfLateRPCs(t *testing.T) {
	tracker := &Tracker{}
	call(t, from("10.0.0.9:1", "early/1"), tracker, "/s/M")
	if got := tracker.Callers(); len(got) != 0 {
		t.Fatalf("while serving: %+v, want nobody", got)
	}
	tracker.Drain()
	call(t, from("10.0.0.1:1", "a/1"), tracker, "/s/M")
	for port := range 3 {
		call(t, from(fmt.Sprintf("10.0.0.2:%d", port), "b/1"), tracker, "/s/M")
	}
	stream := &fakeStream{ctx: from("[fd00::1]:7", "c/1")}
	open := &grpc.StreamServerInfo{FullMethod: "/s/Watch"}
	if err := tracker.StreamServerInterceptor()(nil, stream, open, func(any, grpc.ServerStream) error { return nil }); err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/v1/things?secret=1", nil)
	request.RemoteAddr = "10.0.0.4:5"
	tracker.Handler(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request)

	want := []string{"10.0.0.2 /s/M b/1 3", "10.0.0.1 /s/M a/1 1", "fd00::1 /s/Watch c/1 1", "10.0.0.4 POST /v1/things  1"}
	var got []string
	for _, c := range tracker.Callers() {
		got = append(got, fmt.Sprintf("%s %s %s %d", c.Peer, c.Method, c.UserAgent, c.Count))
		if c.First.IsZero() || c.Last.Before(c.First) {
			t.Errorf("%s was seen from %v to %v", c.Peer, c.First, c.Last)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("callers\n%q, want\n%q", got, want)
	}
	tracker.Drain()
	if got := tracker.Callers(); len(got) != 0 {
		t.Errorf("after another Drain: %+v, want nobody", got)
	}
}

func TestBusiestCallersAndTheOthers(t *testing.T) {
	tracker := &Tracker{}
	tracker.Drain()
	for caller := range keptMost + 10 {
		for range 1 + caller%30 {
			call(t, from("10.0.0.1:1", fmt.Sprintf("agent/%d", caller)), tracker, "/s/M")
		}
	}
	list := tracker.Callers()
	if len(list) != callersMost+1 || list[callersMost].Peer != OtherCallers {
		t.Fatalf("%d callers, the last one %q; want %d and the others", len(list), list[len(list)-1].Peer, callersMost)
	}
	sum := uint64(0)
	for n, c := range list {
		sum += c.Count
		if n < callersMost && c.Count != 30 {
			t.Errorf("caller %d has %d calls, want one of the busiest", n, c.Count)
		}
	}
	if sum != tracker.Late() {
		t.Errorf("the callers have %d calls, want all %d late ones", sum, tracker.Late())
	}
	if kept := len(tracker.callers.by); kept > keptMost {
		t.Errorf("%d callers are kept, want at most %d", kept, keptMost)
	}
}

func TestWhoACallerIs(t *testing.T) {
	header := func(name string) func(context.Context) string {
		return func(ctx context.Context) string {
			return strings.Join(metadata.ValueFromIncomingContext(ctx, name), "")
		}
	}
	for _, c := range []struct {
		name   string
		caller func(context.Context) string
		ctx    context.Context
		want   string
	}{
		{"host", nil, from("10.0.0.1:4711", ""), "10.0.0.1"},
		{"unix socket", nil, from("@", ""), "@"},
		{"certificate", nil, from("10.0.0.1:4711", "", "spiffe://fleet/orders", "https://second"), "spiffe://fleet/orders"},
		{"named", header("user-agent"), from("10.0.0.1:4711", "orders"), "orders"},
		{"no name", header("x-caller"), from("10.0.0.1:4711", "orders"), "10.0.0.1"},
		{"panic", func(context.Context) string { panic("no header") }, from("10.0.0.1:4711", ""), "10.0.0.1"},
		{"log injection", header("user-agent"), from("10.0.0.1:4711", "a\nlevel=ERROR\x1b[31m\u00e9b"), "alevel=ERROR[31mb"},
		{"long", header("user-agent"), from("10.0.0.1:4711", strings.Repeat("x", 4000)), strings.Repeat("x", textMost)},
		{"no peer", nil, context.Background(), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracker := &Tracker{Caller: c.caller}
			tracker.Drain()
			call(t, c.ctx, tracker, "/s/M")
			if got := tracker.Callers(); len(got) != 1 || got[0].Peer != c.want {
				t.Errorf("callers %+v, want %q", got, c.want)
			}
		})
	}
}

func TestCallerIsNotAskedWhileServing(t *testing.T) {
	tracker := &Tracker{Abandonable: true, Caller: func(context.Context) string {
		t.Error("Caller was asked")
		return ""
	}}
	call(t, from("10.0.0.1:1", ""), tracker, "/s/M")
	stream := &fakeStream{ctx: from("10.0.0.1:1", "")}
	open := &grpc.StreamServerInfo{FullMethod: "/s/Watch"}
	if err := tracker.StreamServerInterceptor()(nil, stream, open, func(any, grpc.ServerStream) error { return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := &Tracker{}
		release := make(chan struct{})
		unary := func(method string) {
			_, _ = tracker.UnaryServerInterceptor()(from("10.0.0.2:1", ""), "", &grpc.UnaryServerInfo{FullMethod: method},
				func(context.Context, any) (any, error) { <-release; return nil, nil })
		}
		stream := func(method string) {
			_ = tracker.StreamServerInterceptor()(nil, &fakeStream{ctx: from("10.0.0.1:1", "")},
				&grpc.StreamServerInfo{FullMethod: method}, func(any, grpc.ServerStream) error { <-release; return nil })
		}
		begin := func(rpc func(string), method string) {
			go rpc(method)
			synctest.Wait()
			time.Sleep(time.Second)
		}
		began := time.Now()
		begin(stream, "/s/First")
		begin(unary, "/s/Early") // is counted, and has no name
		tracker.Drain()
		begin(unary, "/s/Late")
		begin(stream, "/s/Last")
		var got []string
		oldest, unnamed := tracker.Oldest(9)
		for _, r := range oldest {
			got = append(got, fmt.Sprint(r.Method, " ", r.Peer, " ", r.Stream, " ", r.Began.Sub(began)))
		}
		want := []string{"/s/First 10.0.0.1 true 0s", "/s/Late 10.0.0.2 false 2s", "/s/Last 10.0.0.1 true 3s"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("oldest %q, want %q", got, want)
		}
		if unnamed != 1 {
			t.Errorf("%d have no name, want the early call", unnamed)
		}
		if got, _ := tracker.Oldest(1); len(got) != 1 || got[0].Method != "/s/First" {
			t.Errorf("the oldest one is %+v", got)
		}
		if got, _ := tracker.Oldest(-1); len(got) != 0 {
			t.Errorf("Oldest(-1) is %+v", got)
		}
		close(release)
		synctest.Wait()
		if got, unnamed := tracker.Oldest(9); len(got)+unnamed != 0 {
			t.Errorf("after their end: %+v and %d", got, unnamed)
		}
	})
}

// A Caller that blocks costs a moment, and leaves one goroutine behind, however often somebody asks.
func TestCallerThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int32
		tracker := &Tracker{Caller: func(context.Context) string { asked.Add(1); <-release; return "orders" }}
		for range 2 {
			go func() {
				_ = tracker.StreamServerInterceptor()(nil, &fakeStream{ctx: from("10.0.0.1:1", "")},
					&grpc.StreamServerInfo{FullMethod: "/s/M"}, func(any, grpc.ServerStream) error { <-release; return nil })
			}()
		}
		synctest.Wait()
		tracker.Drain()
		began := time.Now()
		for range 10 {
			if oldest, _ := tracker.Oldest(5); len(oldest) != 2 || oldest[0].Peer != "10.0.0.1" {
				t.Errorf("oldest %+v, want both, by their hosts", oldest)
			}
		}
		if took := time.Since(began); took > 10*nameWait || asked.Load() != 1 {
			t.Errorf("ten looks took %v, Caller was asked %d times; want %v, once", took, asked.Load(), 10*nameWait)
		}
		close(release)
	})
}

// Who was named once is not asked for again.
func TestCallerIsAskedOnceForEachRPC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var asked atomic.Int32
		tracker := &Tracker{Caller: func(context.Context) string { asked.Add(1); return "orders" }}
		stream := func() {
			_ = tracker.StreamServerInterceptor()(nil, &fakeStream{ctx: from("10.0.0.1:1", "")},
				&grpc.StreamServerInfo{FullMethod: "/s/M"}, func(any, grpc.ServerStream) error { <-release; return nil })
		}
		go stream()
		synctest.Wait()
		tracker.Drain()
		go stream() // late
		synctest.Wait()
		for range 10 {
			if oldest, _ := tracker.Oldest(5); len(oldest) != 2 || oldest[0].Peer != "orders" || oldest[1].Peer != "orders" {
				t.Errorf("oldest %+v, want both by name", oldest)
			}
		}
		if n := asked.Load(); n != 2 {
			t.Errorf("Caller was asked %d times for two RPCs", n)
		}
		close(release)
	})
}
