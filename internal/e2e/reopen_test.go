// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// openings counts the streams that each client has opened, by the metadata that it sends.
type openings struct {
	mu       sync.Mutex
	byClient map[string]int
}

const clientKey = "client"

func (o *openings) add(ctx context.Context) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byClient == nil {
		o.byClient = map[string]int{}
	}
	for _, client := range metadata.ValueFromIncomingContext(ctx, clientKey) {
		o.byClient[client]++
	}
}

// most returns the client that has opened the most, and how many clients there are.
func (o *openings) most() (client string, opened, clients int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, n := range o.byClient {
		if n > opened {
			client, opened = c, n
		}
	}
	return client, opened, len(o.byClient)
}

// A reopener is a kind of stream whose clients open it again as soon as it has ended.
type reopener struct {
	name string
	once func(context.Context, testpb.TestServiceClient) error // opens one and returns how it ended
	ends func(error) bool                                      // whether that is an end as the server made it
}

var reopeners = []reopener{
	{"handlers that return when told", func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.StreamingInputCall(ctx)
		if err != nil {
			return err
		}
		return stream.RecvMsg(&testpb.StreamingInputCallResponse{})
	}, func(err error) bool {
		return status.Code(err) == codes.Aborted && status.Convert(err).Message() == status.Convert(errMoved).Message()
	}},
	{"handlers that are ended", func(ctx context.Context, c testpb.TestServiceClient) error {
		stream, err := c.FullDuplexCall(ctx)
		if err != nil {
			return err
		}
		_, err = stream.Recv()
		return err
	}, func(err error) bool {
		return status.Code(err) == codes.Unavailable && reason(err) == interceptor.ReasonShuttingDown
	}},
}

// TestClientsThatReopenTheirStreamsAtOnce: a handler that returns when it was told ends with what it returns, and one
// that does not with UNAVAILABLE. Told or ended before GOAWAY is out, pick_first clients would open their streams on
// the draining server again, thousands of times a second. After it, they open them elsewhere.
func TestClientsThatReopenTheirStreamsAtOnce(t *testing.T) {
	t.Parallel()
	for _, r := range reopeners {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			r.test(t)
		})
	}
}

func (r reopener) test(t *testing.T) {
	const clients = 30
	old := startServer(t, nil, nil, quick(lifecycle.WithSettle(300*time.Millisecond))...)
	other := startServer(t, nil, nil, quick()...)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	var tellAll []func()
	for n := range clients {
		conn, tell := pickFirst(t, old.addr, other.addr)
		tellAll = append(tellAll, tell)
		client := testpb.NewTestServiceClient(conn)
		named := metadata.AppendToOutgoingContext(ctx, clientKey, strconv.Itoa(n))
		running.Go(func() {
			for ctx.Err() == nil {
				if err := r.once(named, client); ctx.Err() == nil && !r.ends(err) {
					t.Errorf("the stream ended with %v, want the end that the server made", err)
					return
				}
			}
		})
	}
	old.await(t, "streaming", func() bool { return old.Status().Calls.Streams == clients })
	for _, tell := range tellAll {
		tell()
	}
	old.stop()
	if err := old.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	switch client, opened, seen := old.opened.most(); {
	case seen != clients:
		t.Errorf("%d clients have opened streams on the draining server, want %d", seen, clients)
	case opened > 2:
		t.Errorf("client %s has opened %d streams on the draining server, want at most two", client, opened)
	}
	other.await(t, "streaming", func() bool { return other.Status().Calls.Streams == clients })
}

// pickFirst makes a channel to the first of the addresses, and returns what tells it of all of them: it stays with the
// first for as long as it can. Told from the beginning it may prefer the one that answers first.
func pickFirst(t *testing.T, addrs ...string) (conn *grpc.ClientConn, tellAll func()) {
	t.Helper()
	var all resolver.State
	for _, addr := range addrs {
		all.Endpoints = append(all.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: addr}}})
	}
	list := manual.NewBuilderWithScheme("test")
	list.InitialState(resolver.State{Endpoints: all.Endpoints[:1]})
	conn, err := grpc.NewClient("test:///", grpc.WithResolvers(list), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, func() { list.UpdateState(all) }
}
