// SPDX-License-Identifier: Apache-2.0

//go:build !race

package nacos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	testpb "google.golang.org/grpc/interop/grpc_testing"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const (
	scheduleBudget = 12 * time.Second
	scheduleSettle = time.Second
)

// A scene is a registry, instances and clients that call them all the time.
type scene struct {
	figures
	service  string
	log      *slog.Logger
	size     int
	registry *nacostest.Server

	plain    *plainClient
	resolver *resolverClient
	spared   []int // UDP ports of the clients

	mu   sync.Mutex
	now  []*scheduled // by number
	all  []*scheduled
	gone sync.WaitGroup
}

func newScheduleLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func (s *scene) open() (err error) {
	s.registry, err = nacostest.NewServer(nacostest.Options{
		PushDelay: 100 * time.Millisecond, PushTick: 20 * time.Millisecond, PushRetry: 200 * time.Millisecond,
		Idle: 2 * time.Second, Detection: time.Second,
	})
	if err != nil {
		return err
	}
	s.now = make([]*scheduled, s.size)
	for n := range s.size {
		if err := s.start(n); err != nil {
			return err
		}
	}
	if missing := s.awaitAllListed(20 * time.Second); missing != "" {
		return errors.New(missing)
	}
	before, _ := nacostest.SDKPorts()
	if s.plain, err = openPlainClient(s); err != nil {
		return err
	}
	if s.resolver, err = openResolverClient(s); err != nil {
		return err
	}
	after, _ := nacostest.SDKPorts()
	s.spared = slices.DeleteFunc(after, func(port int) bool { return slices.Contains(before, port) })
	return nil
}

// start puts a new instance on a port of its own in the place of number n.
func (s *scene) start(n int) error {
	i, err := s.newScheduled(n)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[n] = i
	s.all = append(s.all, i)
	return nil
}

// restart replaces an instance by one on another port, while the old one goes.
func (s *scene) restart(n int) error {
	old := s.at(n)
	if err := s.start(n); err != nil {
		return err
	}
	s.gone.Go(func() { s.stop(old) })
	return nil
}

func (s *scene) at(n int) *scheduled {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now[n]
}

func (s *scene) addr(n int) string { return s.at(n).addr }

func (s *scene) setEnabled(n int, enabled bool) {
	i := s.at(n)
	if !enabled {
		i.told.Store(true)
	}
	s.registry.SetEnabled(s.service, i.addr, enabled)
}

// spoof sends the datagram to the instances. A consumer that it reaches has no list any more, or keeps its last one for
// as long as the datagram is dated ahead, which is not the instances' doing.
func (s *scene) spoof(ahead time.Duration) error {
	ports, err := nacostest.SDKPorts()
	if err != nil {
		return err
	}
	ports = slices.DeleteFunc(ports, func(port int) bool { return slices.Contains(s.spared, port) })
	_ = nacostest.SpoofEmptyList(s.service, ahead, ports...) // a port that was closed in the meantime is an error
	return nil
}

// heal ends all faults. What is stamped ahead of the clock by then is caught up with in ten seconds.
func (s *scene) heal() error {
	s.registry.Thaw()
	s.registry.ServeAfter(0)
	s.registry.SkewClock(0)
	s.registry.PushDelay(0)
	for failure := nacostest.ErrorResponse; failure <= nacostest.Ignored; failure++ {
		s.registry.FailNext(failure, 0)
	}
	err := s.registry.Revive()
	s.registry.StaleList(s.service, false)
	for n := range s.size {
		s.registry.SetEnabled(s.service, s.addr(n), true)
	}
	return err
}

// awaitAllListed returns what is missing at the end.
func (s *scene) awaitAllListed(d time.Duration) (missing string) {
	for limit := time.Now().Add(d); time.Now().Before(limit); time.Sleep(20 * time.Millisecond) {
		missing = ""
		for n := range s.size {
			if i := s.at(n); !s.lists(i.addr) {
				missing += fmt.Sprintf("%d, %s, is not listed; ", n, i.addr)
			} else if state := i.Status().State; state != lifecycle.Serving {
				missing += fmt.Sprintf("%d, %s, is %v; ", n, i.addr, state)
			}
		}
		if missing == "" {
			return ""
		}
	}
	return missing
}

func (s *scene) lists(addr string) bool {
	return slices.ContainsFunc(s.registry.Instances(s.service), func(i nacostest.Instance) bool {
		return i.Addr() == addr && i.Listed
	})
}

// publishes looks at what the registry holds, whatever its lists show.
func (s *scene) publishes(addr string) bool {
	return slices.ContainsFunc(s.registry.Instances(s.service), func(i nacostest.Instance) bool { return i.Addr() == addr })
}

// close lets all instances go, the first one when the load has ended, and counts what came of it.
func (s *scene) close(fail func(string, ...any)) {
	for n, i := range s.now {
		if n > 0 && i != nil {
			s.gone.Go(func() { s.stop(i) })
		}
	}
	s.gone.Wait()
	if s.plain != nil {
		s.plain.close()
	}
	if s.resolver != nil {
		s.resolver.close()
	}
	if len(s.now) > 0 && s.now[0] != nil {
		s.stop(s.now[0])
	}
	if s.registry != nil {
		time.Sleep(300 * time.Millisecond) // what is on its way still
		s.judge(fail)
		s.registry.Close()
	}
}

// judge compares what happened with what the Reports say.
func (s *scene) judge(fail func(string, ...any)) {
	reports := map[string]lifecycle.Report{}
	for _, i := range s.all {
		s.instances++
		report := i.Report()
		reports[i.addr] = report
		if report.Unconfirmed {
			s.unconfirmed++
		}
		if report.Forced {
			s.forced++
			fail("instance %d, %s: forced stop: %+v", i.number, i.addr, report)
		}
		if n := int(i.falseOffline.Load()); n > 0 {
			s.falseOffline += n
			fail("instance %d, %s: draining although nobody has switched it off", i.number, i.addr)
		}
		switch listed := i.ghost.Load() || s.publishes(i.addr); {
		case listed && report.Unconfirmed:
			s.leftovers++
		case listed:
			s.ghosts++
			fail("instance %d, %s: registered after its exit, and the Report does not say unconfirmed: %+v", i.number, i.addr, report)
		}
	}
	if s.resolver != nil {
		s.calls, s.failed = s.resolver.calls, int64(len(s.resolver.failures))
		if s.failed > 0 {
			fail("resolver: %d calls failed; the first: %v", s.failed, s.resolver.failures[0])
		}
	}
	if s.plain == nil {
		return
	}
	s.plainCalls = s.plain.calls
	told := map[string]bool{}
	for _, f := range s.plain.failures {
		report, known := reports[f.addr]
		switch {
		case known && (report.Unconfirmed || report.Forced):
			s.accounted++
		default:
			s.unaccounted++
			if !told[f.addr] {
				fail("per instance: %v; its Report: %+v", f, report)
			}
			told[f.addr] = true
		}
	}
}

// A scheduled instance is one server process in small.
type scheduled struct {
	*lifecycle.Manager
	number int
	addr   string
	leave  context.CancelFunc
	result chan error

	told         atomic.Bool // by an operator, or to go
	falseOffline atomic.Int64
	ghost        atomic.Bool
}

type answering struct {
	testpb.UnimplementedTestServiceServer
}

func (answering) EmptyCall(context.Context, *testpb.Empty) (*testpb.Empty, error) {
	return &testpb.Empty{}, nil
}

func (s *scene) newScheduled(n int) (*scheduled, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &scheduled{number: n, addr: lis.Addr().String(), result: make(chan error, 1)}
	log := s.log.With("instance", n, "addr", i.addr)
	r, err := nacos.New(nacos.Config{Servers: []string{s.registry.Addr()}, Logger: log}, nacos.Instance{Service: s.service})
	if err != nil {
		return nil, errors.Join(err, lis.Close())
	}
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	testpb.RegisterTestServiceServer(srv, answering{})
	i.Manager = lifecycle.New(srv,
		lifecycle.WithCalls(&tracker), lifecycle.WithHealth(health.Register(srv)), lifecycle.WithRegistrar(r), lifecycle.WithLogger(log),
		lifecycle.WithBudget(scheduleBudget), lifecycle.WithSettle(scheduleSettle), lifecycle.WithQuiet(200*time.Millisecond),
		lifecycle.WithOnState(func(state lifecycle.State) {
			if state == lifecycle.Draining && !i.told.Load() {
				i.falseOffline.Add(1)
			}
		}))
	ctx, cancel := context.WithCancel(context.Background())
	i.leave = cancel
	go func() { i.result <- i.Run(ctx, lis) }()
	return i, nil
}

// stop ends the instance and waits for it.
func (s *scene) stop(i *scheduled) {
	i.told.Store(true)
	i.leave()
	err := <-i.result
	i.ghost.Store(s.publishes(i.addr))
	s.log.Warn("exit", "instance", i.number, "addr", i.addr, "err", err, "listed", i.ghost.Load())
}

// A failure is a call that failed.
type failure struct {
	err    error
	addr   string
	listed bool // the client's own list had the instance still
	after  time.Duration
}

func (f failure) String() string {
	return fmt.Sprintf("call to %s (in the client's list: %v) after %v: %v", f.addr, f.listed, f.after, f.err)
}

const callPause = 10 * time.Millisecond

// A resolverClient has one channel to the service's name, by round_robin and without any retry policy.
type resolverClient struct {
	conn     *grpc.ClientConn
	stop     context.CancelFunc
	done     chan struct{}
	calls    int64 // from here on once done
	failures []failure
}

func openResolverClient(s *scene) (*resolverClient, error) {
	conn, err := grpc.NewClient("nacos:///"+s.service,
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{
			Servers: []string{s.registry.Addr()}, Logger: s.log.With("client", "resolver"),
		})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	if err := call(conn, grpc.WaitForReady(true)); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &resolverClient{conn: conn, stop: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		began := time.Now()
		for ctx.Err() == nil {
			c.calls++
			if err := call(conn); err != nil {
				c.failures = append(c.failures, failure{err: err, after: time.Since(began)})
			}
			time.Sleep(callPause)
		}
	}()
	return c, nil
}

func (c *resolverClient) close() {
	c.stop()
	<-c.done
	_ = c.conn.Close()
}

func call(conn *grpc.ClientConn, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := testpb.NewTestServiceClient(conn).EmptyCall(ctx, &testpb.Empty{}, opts...)
	return err
}

// A plainClient has one channel to each listed instance and takes them in turn, as consumers do whose discovery was
// written by hand. A channel is closed once its instance is off the list. While the list is empty it calls nobody.
type plainClient struct {
	api      *sdk.Client
	list     atomic.Pointer[[]string]
	channels map[string]*grpc.ClientConn
	stop     context.CancelFunc
	done     chan struct{}
	calls    int64 // from here on once done
	failures []failure
}

func openPlainClient(s *scene) (*plainClient, error) {
	settings, err := sdk.Prepare(sdk.Config{Servers: []string{s.registry.Addr()}, Logger: s.log.With("client", "per instance")})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &plainClient{api: settings.NewClient(), channels: map[string]*grpc.ClientConn{}, stop: cancel, done: make(chan struct{})}
	limited, done := context.WithTimeout(ctx, 10*time.Second)
	defer done()
	err = c.api.Subscribe(limited, s.service, sdk.DefaultGroup, func(list []sdk.Instance) {
		var addrs []string
		for _, i := range list {
			addrs = append(addrs, net.JoinHostPort(i.Ip, fmt.Sprint(i.Port)))
		}
		c.list.Store(&addrs)
	})
	go func() {
		defer close(c.done)
		began := time.Now()
		for turn := 0; ctx.Err() == nil; turn++ {
			c.next(turn, began)
			time.Sleep(callPause)
		}
	}()
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *plainClient) listed() []string {
	if list := c.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (c *plainClient) next(turn int, began time.Time) {
	list := c.listed()
	for addr, conn := range c.channels {
		if !slices.Contains(list, addr) {
			_ = conn.Close()
			delete(c.channels, addr)
		}
	}
	if len(list) == 0 {
		return
	}
	addr := list[turn%len(list)]
	conn := c.channels[addr]
	if conn == nil {
		var err error
		if conn, err = grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
			return
		}
		c.channels[addr] = conn
	}
	c.calls++
	if err := call(conn); err != nil {
		c.failures = append(c.failures, failure{err: err, addr: addr, listed: slices.Contains(c.listed(), addr), after: time.Since(began)})
	}
}

func (c *plainClient) close() {
	c.stop()
	<-c.done
	for _, conn := range c.channels {
		_ = conn.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = c.api.Close(ctx) // it only takes longer
}
