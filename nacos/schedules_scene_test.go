// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A scene is a registry, instances and clients that call them all the time.
type scene struct {
	figures
	service  string
	log      *slog.Logger
	size     int
	count    int // of nodes
	virtual  bool
	deserted bool          // without clients
	skew     time.Duration // the most that the clock is ahead
	nodes    []*nacostest.Server
	registry *nacostest.Server // the first node

	plain    *plainClient
	resolver *resolverClient

	mu   sync.Mutex
	now  []*scheduled // by number
	all  []*scheduled
	gone sync.WaitGroup
}

func (s *scene) open() (err error) {
	s.nodes, err = nacostest.NewCluster(s.count, nacostest.Options{
		PushDelay: 100 * time.Millisecond, PushTick: 20 * time.Millisecond, PushRetry: 200 * time.Millisecond,
		Idle: 2 * time.Second, Detection: time.Second, SyncDelay: 300 * time.Millisecond, StaleCopy: 6 * time.Second,
	})
	if err != nil {
		return err
	}
	s.registry = s.nodes[0]
	s.now = make([]*scheduled, s.size)
	for n := range s.size {
		if err := s.start(n); err != nil {
			return err
		}
	}
	if missing := s.awaitAllListed(20 * time.Second); missing != "" {
		return errors.New(missing)
	}
	if s.deserted {
		return nil
	}
	if s.plain, err = openPlainClient(s); err != nil {
		return err
	}
	s.resolver, err = openResolverClient(s)
	return err
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

// extra is an instance that is there for a moment.
func (s *scene) extra() (*scheduled, error) {
	i, err := s.newScheduled(-1)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, i)
	return i, nil
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

// blind takes the subscriptions of the instances. A consumer that it reaches keeps its last list, which is not the
// instances' doing.
func (s *scene) blind() error {
	for n := range s.size {
		s.registry.LoseSubscription(s.service, s.addr(n))
	}
	return nil
}

// heal ends all faults, and sets the clock back when those have gone that are going: no list is taken for as long as it
// was ahead.
func (s *scene) heal() error {
	var errs []error
	for _, node := range s.nodes {
		node.Thaw()
		node.ServeAfter(0)
		node.PushDelay(0)
		for failure := nacostest.ErrorResponse; failure <= nacostest.Ignored; failure++ {
			node.FailNext(failure, 0)
		}
		errs = append(errs, node.Revive())
		node.StaleList(s.service, false)
		for _, peer := range s.nodes {
			if peer != node {
				node.SyncDelay(peer, -1)
			}
		}
	}
	for n := range s.size {
		s.registry.SetEnabled(s.service, s.addr(n), true)
	}
	s.gone.Wait()
	for _, node := range s.nodes {
		node.SkewClock(0)
	}
	return errors.Join(errs...)
}

func (s *scene) failNext(failure nacostest.Failure, n int, op nacostest.Op) {
	for _, node := range s.nodes {
		node.FailNext(failure, n, op)
	}
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

// lists tells whether every node lists the address.
func (s *scene) lists(addr string) bool {
	return !slices.ContainsFunc(s.nodes, func(node *nacostest.Server) bool {
		return !slices.ContainsFunc(node.Instances(s.service), func(i nacostest.Instance) bool { return i.Addr() == addr && i.Listed })
	})
}

// publishes looks at what the nodes hold. What an operator hides counts where it is our own publication, and not where
// it is the copy that another node has of it: no list shows that there is one.
func (s *scene) publishes(addr string, listed bool) bool {
	return slices.ContainsFunc(s.nodes, func(node *nacostest.Server) bool {
		return slices.ContainsFunc(node.Instances(s.service), func(i nacostest.Instance) bool {
			return i.Addr() == addr && (i.Listed || !listed)
		})
	})
}

// staysPublished tells that an instance which has exited is listed, or goes on being registered: what an operator holds
// offline may go with the end of the connection, of which the registry hears a moment later.
func (s *scene) staysPublished(addr string) bool {
	if s.count > 1 || s.publishes(addr, true) {
		return s.publishes(addr, true)
	}
	for range 100 {
		if !s.publishes(addr, false) {
			return false
		}
		time.Sleep(10 * time.Millisecond)
	}
	return true
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
		s.judge(fail)
	}
	for _, node := range s.nodes {
		node.Close()
	}
}
