// SPDX-License-Identifier: Apache-2.0

// Package load calls a service the ways its clients do, and counts honestly: every call once, no
// retries besides those that grpc-go makes by itself for calls that no server has seen (they cannot be
// switched off), no waiting for a server to become ready, and a deadline that is missed is a failure.
package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	"github.com/lameduck-go/lameduck/example/internal/naming"
)

// CallTimeout is the deadline of every unary call.
const CallTimeout = 10 * time.Second

// Kind is a way of calling.
type Kind string

const (
	Resolver    Kind = "resolver"    // round_robin over the addresses of nacosresolver
	Health      Kind = "health"      // the same, with gRPC health checking
	PickFirst   Kind = "pickfirst"   // pick_first over the addresses of nacosresolver, shuffled
	PerInstance Kind = "perinstance" // one channel for each listed instance, taken in turn
	Fresh       Kind = "fresh"       // a new channel for each call, to a random listed instance
	Stream      Kind = "stream"      // long streams, server-streaming and bidirectional, over Resolver's channel
	Through     Kind = "through"     // channels to a balancer, which chooses the server of each call
)

// ThroughKinds returns the kinds that call a balancer, Config.Target.
func ThroughKinds() []Kind { return []Kind{Through, Fresh, Stream} }

// Kinds returns all kinds, the unary ones first.
func Kinds() []Kind {
	return []Kind{Resolver, Health, PickFirst, PerInstance, Fresh, Stream}
}

// Set makes *Kind a flag.Value.
func (k *Kind) Set(s string) error {
	if !slices.Contains(Kinds(), Kind(s)) {
		return fmt.Errorf("want one of %s", kindNames())
	}
	*k = Kind(s)
	return nil
}

// String returns the kind's name.
func (k *Kind) String() string { return string(*k) }

func kindNames() string {
	names := make([]string, len(Kinds()))
	for i, kind := range Kinds() {
		names[i] = string(kind)
	}
	return strings.Join(names, ", ")
}

// Config says what to call and how often.
type Config struct {
	Kind    Kind
	Nacos   string // host:port of the registry's HTTP port
	Target  string // host:port of a balancer to be called, in the place of what the registry lists; of ThroughKinds
	Service naming.Service
	Rate    float64 // unary calls a second in total
	Streams int     // streams kept open at any time, half of them server-streaming
	Seed    uint64  // of the moments at which calls begin and of Fresh's choices
}

// client makes unary calls one way.
type client interface {
	call(ctx context.Context) error
	Close() error
}

// Load is one kind of client at work. Counts is safe at any time; Run is called once.
type Load struct {
	cfg     Config
	client  client   // nil for Stream
	streams *streams // nil for the others
	counter counter
	begun   atomic.Uint64
}

// Open makes the client. It makes no call yet.
func Open(cfg Config) (*Load, error) {
	l := &Load{cfg: cfg}
	var err error
	switch cfg.Kind {
	case Resolver, Health, PickFirst, Through:
		l.client, err = openBalanced(cfg)
	case PerInstance:
		l.client, err = openPerInstance(cfg)
	case Fresh:
		l.client, err = openFresh(cfg)
	case Stream:
		l.streams, err = openStreams(cfg, &l.counter)
	default:
		err = fmt.Errorf("kind %q is not one of %s", cfg.Kind, kindNames())
	}
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return l, nil
}

// Run makes calls until ctx ends and returns when the last call that began before has its answer.
// Streams that are open then are cancelled by us and count as neither ended nor cut.
func (l *Load) Run(ctx context.Context) {
	if l.streams != nil {
		l.streams.run(ctx)
		return
	}
	// As many calls as can pass their deadline at once: a full pool means that every call hangs, and
	// what cannot begin then is counted as failed, not left out.
	pool := make(chan struct{}, int(l.cfg.Rate*CallTimeout.Seconds())+1)
	var calls sync.WaitGroup
	defer calls.Wait()
	arrivals := rand.New(rand.NewPCG(l.cfg.Seed, 1))
	pace(ctx, l.cfg.Rate, arrivals, func() {
		select {
		case pool <- struct{}{}:
		default:
			l.counter.notBegun()
			return
		}
		calls.Go(func() {
			defer func() { <-pool }()
			// The end of the measurement does not cut the calls that are under way.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), CallTimeout)
			defer cancel()
			l.counter.called(l.client.call(l.named(ctx)))
		})
	})
}

// CallName is the key of the metadata in which each unary call has a name of its own, KIND-SEED-NUMBER.
const CallName = "lameduck-call"

func (l *Load) named(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, CallName, fmt.Sprintf("%s-%d-%d", l.cfg.Kind, l.cfg.Seed, l.begun.Add(1)))
}

// Counts returns what has been counted so far. A call counts when it has its answer.
func (l *Load) Counts() Counts { return l.counter.counts() }

// Close closes the client's channels and subscriptions.
func (l *Load) Close() error {
	if l.streams != nil {
		return l.streams.Close()
	}
	return l.client.Close()
}

var errNoInstance = errors.New("no instance is listed")
