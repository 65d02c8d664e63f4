// SPDX-License-Identifier: Apache-2.0

package nacostest

import "slices"

// Drop is a way in which connections are lost.
type Drop int

const (
	// Closed closes the connections: both sides know at once. The client connects
	// again, and what it had published is gone until it has registered again.
	Closed Drop = iota
	// HalfOpen cuts the network between two ends that both believe in the
	// connection. The SDK notices after 5 s of silence and 3 s without an answer.
	// The server asks after [DefaultIdle] and removes the client when nothing
	// comes for [DefaultDetection]: a frozen client was gone for the others after
	// 24 to 32 s on 2.5.1 and 3.0.3. Set Options.Idle and Options.Detection to
	// have the server notice first.
	HalfOpen
)

// DropConnections loses the connections of the gRPC port that are open now; new
// ones are not touched. With addresses ("IP:PORT") it is limited to connections
// that publish one of them.
func (s *Server) DropConnections(how Drop, addrs ...string) {
	l := s.life.Load()
	if l == nil {
		return
	}
	for _, k := range l.linksOf(addrs) {
		switch how {
		case HalfOpen:
			k.sever()
		default:
			_ = k.Close()
		}
	}
}

func (l *life) linksOf(addrs []string) []*link {
	if len(addrs) == 0 {
		return l.links.all()
	}
	var out []*link
	for _, c := range l.connections() {
		if k := l.links.find(c.remote); k != nil && l.publishes(c, addrs) {
			out = append(out, k)
		}
	}
	return out
}

func (l *life) publishes(c *connection, addrs []string) bool {
	client := c.current()
	if client == nil {
		return false
	}
	l.naming.cluster.mu.Lock()
	defer l.naming.cluster.mu.Unlock()
	for _, published := range client.published {
		for _, i := range published {
			if slices.Contains(addrs, i.Addr()) {
				return true
			}
		}
	}
	return false
}
