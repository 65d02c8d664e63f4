// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"fmt"
	"net"
	"strconv"
	"sync"
)

// Publish registers addr ("IP:PORT") from a connection that exists only inside
// the server, as another client would: enabled, healthy, weight 1, unless the
// functions change it. The function returned ends that connection; so does a
// restart.
//
// It fills lists for tests of the consumer's side. With the address of an
// instance under test it is the second owner of it: a process that kept its old
// registration code. On 2.5.1, 3.0.3 and r-nacos 0.8.5 the list then has one
// entry, which the first owner's deregister does not remove while the second
// lives.
//
// A malformed address is an error, and so is a server that is down.
func (s *Server) Publish(service, addr string, change ...func(*Instance)) (withdraw func(), err error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("nacostest: Publish: addr: %w", err)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("nacostest: Publish: addr: port: %w", err)
	}
	i := Instance{IP: host, Port: int(number), Cluster: defaultCluster, Weight: 1, Healthy: true, Enabled: true}
	for _, f := range change {
		f(&i)
	}
	l := s.life.Load()
	if l == nil {
		return nil, fmt.Errorf("nacostest: Publish: server %s is down", s.Addr())
	}
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	c := l.naming.connect(fmt.Sprintf("publish_%d_%s", s.port, l.naming.nextPush()), nil)
	l.naming.register(c, parseService(service), []Instance{i.clone()})
	return sync.OnceFunc(func() {
		s.cluster.mu.Lock()
		defer s.cluster.mu.Unlock()
		l.naming.disconnect(c)
	}), nil
}
