// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"errors"
	"fmt"
)

// StartCluster is [Start] for n nodes of one cluster; see [NewCluster].
func StartCluster(tb TB, n int, opts ...Options) []*Server {
	tb.Helper()
	if len(opts) > 1 {
		tb.Fatalf("nacostest: StartCluster takes at most one Options, got %d", len(opts))
	}
	nodes, err := NewCluster(n, append(opts, Options{})[0])
	if err != nil {
		tb.Fatalf("%v", err)
	}
	for _, s := range nodes {
		tb.Cleanup(s.Close)
	}
	return nodes
}

// NewCluster starts n nodes that tell each other of changes. What a client
// publishes on one node reaches subscribers of the others [DefaultSyncDelay]
// plus the push delay later: on three nodes of 2.5.1 they heard of a deregister
// 1.1 s after the own callback. An operator's edit on any node is known on all at
// once. Faults are those of the node whose method is called.
//
// Close and Kill of a node are its death. Its clients go elsewhere, and the others
// keep its registrations for [DefaultStaleCopy], whatever those clients do: on
// 2.5.1 an instance that was deregistered after the failover stayed listed until
// 177.6 s after kill -9 and 183.9 s after SIGTERM of the node.
func NewCluster(n int, opts Options) ([]*Server, error) {
	if n < 1 {
		return nil, errors.New("nacostest: NewCluster: n must be at least 1")
	}
	if _, port, err := parseAddr(opts.Addr); n > 1 && err == nil && port > 0 {
		return nil, fmt.Errorf("nacostest: NewCluster: Options.Addr %q: %d nodes cannot have one port", opts.Addr, n)
	}
	c := newCluster()
	var nodes []*Server
	for range n {
		s, err := newNode(c, opts)
		if err != nil {
			for _, s := range nodes {
				s.Close()
			}
			return nil, err
		}
		nodes = append(nodes, s)
	}
	return nodes, nil
}
