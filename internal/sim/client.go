// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // client-side health checking
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
)

// The patience of clients is longer than any handler and any budget, or than any run: what runs into it was never
// answered.
const (
	patience       = 3 * time.Minute
	streamPatience = time.Hour
)

var serviceConfigs = map[ClientKind]string{
	RoundRobin:       `{"loadBalancingConfig":[{"round_robin":{}}]}`,
	RoundRobinHealth: `{"loadBalancingConfig":[{"round_robin":{}}],"healthCheckConfig":{"serviceName":""}}`,
	PickFirst:        `{"loadBalancingConfig":[{"pick_first":{"shuffleAddressList":true}}]}`,
}

// A channels hands out the channel for the next call. draw is random; done is called when the call is over.
type channels interface {
	take(draw int) (conn *grpc.ClientConn, done func())
	close()
}

// A client makes calls and keeps streams open until it is told to stop; none of them is given up before its time.
type client struct {
	plan     ClientPlan
	number   uint64
	history  *history
	channels channels
	calls    sync.WaitGroup

	mu   sync.Mutex
	next uint64
}

func (w *world) newClient(number int, plan ClientPlan) *client {
	c := &client{plan: plan, number: uint64(number), history: w.history}
	v := w.registry.nodes[number%len(w.registry.nodes)].follow(plan.Kind == Pinned)
	if w.schedule.Virtual {
		v = newFixedView(virtualAddr)
	}
	switch plan.Kind {
	case PerInstance:
		c.channels = newPerInstance(w.network, v)
	case Pinned:
		c.channels = newPinned(w.network, v)
	case Fresh:
		c.channels = fresh{w.network, v}
	default:
		c.channels = newBalanced(w.network, v, serviceConfigs[plan.Kind])
	}
	return c
}

// run makes calls until ctx ends. It returns when none begins any more; await waits for those under way.
func (c *client) run(ctx context.Context) {
	for n := range c.plan.Streams {
		r := rand.New(rand.NewPCG(c.plan.Seed, uint64(n)+1))
		c.calls.Go(func() { c.keepStream(ctx, r) })
	}
	r := rand.New(rand.NewPCG(c.plan.Seed, 0))
	for sleep(ctx, time.Duration(r.ExpFloat64()*float64(c.plan.Every))+1) {
		o, draw := order{call: c.id(), work: between(r, 1, 20*time.Millisecond)}, r.IntN(1<<30)
		switch p := r.Float64(); {
		case p < c.plan.Deaf:
			o.deaf, o.work = true, between(r, time.Second, 40*time.Second)
		case p < c.plan.Deaf+c.plan.Slow:
			o.work = between(r, 20*time.Millisecond, 3*time.Second)
		case p > 0.7:
			o.work = 0
		}
		if r.Float64() < c.plan.Large {
			o.size = r.IntN(200 << 10)
		}
		c.calls.Go(func() { c.call(o, draw) })
	}
}

func (c *client) id() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	return c.number<<32 | c.next
}

// await returns when every call and stream has ended.
func (c *client) await() {
	c.calls.Wait()
	c.channels.close()
}

func (c *client) call(o order, draw int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	seen := &outcome{call: o.call, client: c.plan.Kind, begin: time.Now()}
	c.history.begin(o.call)
	defer c.history.saw(seen)
	conn, done := c.channels.take(draw)
	if conn == nil {
		seen.verdict, seen.err = undialled, errNoInstance
		return
	}
	defer done()
	var from peer.Peer
	resp, err := testpb.NewTestServiceClient(conn).UnaryCall(ctx, &testpb.SimpleRequest{Payload: o.payload()}, grpc.Peer(&from))
	seen.verdict, seen.gone = judge(err)
	seen.err, seen.instance = err, instanceOf(from)
	if err == nil {
		seen.answeredBy = answeredBy(o, resp.GetPayload())
	}
}

func instanceOf(p peer.Peer) int {
	at, _ := p.Addr.(endpoint)
	return at.instance
}

// answeredBy returns the instance that an answer names, -1 when it is the answer to another call.
func answeredBy(o order, p *testpb.Payload) int {
	if got := readOrder(p); got.call == o.call {
		return int(got.work)
	}
	return -1
}

// keepStream opens one stream after the other until ctx ends.
func (c *client) keepStream(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		o := order{call: c.id(), work: between(r, 0, 4*time.Second), deaf: r.IntN(4) == 0, numb: r.IntN(6) == 0, recv: r.IntN(4) == 0}
		if r.IntN(2) == 0 {
			o.life = between(r, 100*time.Millisecond, 15*time.Second)
		}
		if v := c.stream(o, r.IntN(1<<30)); v != answered && v != ended {
			sleep(ctx, 50*time.Millisecond)
		}
	}
}

func (c *client) stream(o order, draw int) (v verdict) {
	ctx, cancel := context.WithTimeout(context.Background(), streamPatience)
	defer cancel()
	seen := &outcome{call: o.call, client: c.plan.Kind, stream: true, begin: time.Now()}
	c.history.begin(o.call)
	defer c.history.saw(seen)
	conn, done := c.channels.take(draw)
	if conn == nil {
		seen.verdict, seen.err = undialled, errNoInstance
		return undialled
	}
	defer done()
	var from peer.Peer
	recv, err := o.open(ctx, testpb.NewTestServiceClient(conn), grpc.Peer(&from))
	for err == nil {
		var resp *testpb.StreamingOutputCallResponse
		if resp, err = recv(); err == nil {
			seen.answeredBy = answeredBy(o, resp.GetPayload())
		}
	}
	seen.verdict, seen.gone = judge(err)
	seen.err, seen.instance = err, instanceOf(from)
	return seen.verdict
}

// open opens the stream of an order; one whose handler sits in Recv is told the end of its life by the client.
func (o order) open(ctx context.Context, c testpb.TestServiceClient, peer grpc.CallOption) (recv func() (*testpb.StreamingOutputCallResponse, error), err error) {
	if !o.recv {
		stream, err := c.StreamingOutputCall(ctx, &testpb.StreamingOutputCallRequest{Payload: o.payload()}, peer)
		if err != nil {
			return nil, err
		}
		return stream.Recv, nil
	}
	ctx = metadata.AppendToOutgoingContext(ctx, orderKey, string(o.payload().GetBody()))
	stream, err := c.FullDuplexCall(ctx, peer)
	if err != nil {
		return nil, err
	}
	if o.life > 0 {
		time.AfterFunc(o.life, func() { _ = stream.CloseSend() }) // fails when it is over
	}
	return stream.Recv, nil
}

func dial(n *network, target string, opts ...grpc.DialOption) *grpc.ClientConn {
	conn, err := grpc.NewClient(target, append(opts,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(n.dial))...)
	if err != nil {
		panic(err) // the targets are ours
	}
	return conn
}
