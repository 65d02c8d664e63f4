// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
)

// connection is one HTTP/2 connection, which is what the servers call a client.
type connection struct {
	id     string
	remote string
	heard  atomic.Int64 // nanoseconds since 1970 of the last sign of life

	mu     sync.Mutex
	client *client // nil before the set-up and after the end
	out    *outbox
	asked  time.Time // when the client was asked whether it lives; zero: not
	ended  bool
}

func (l *life) connect(remote net.Addr) *connection {
	now := time.Now()
	c := &connection{remote: remote.String()}
	c.id = fmt.Sprintf("%d_%s", now.UnixMilli(), strings.ReplaceAll(c.remote, ":", "_"))
	c.heard.Store(now.UnixNano())
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c.remote] = c
	return c
}

// disconnect takes the connection's publications and subscriptions away.
func (l *life) disconnect(c *connection) {
	l.mu.Lock()
	if l.conns[c.remote] == c {
		delete(l.conns, c.remote)
	}
	l.mu.Unlock()

	c.mu.Lock()
	client := c.client
	c.client, c.ended = nil, true
	c.mu.Unlock()
	if client == nil {
		return
	}
	cluster := l.naming.cluster
	cluster.mu.Lock()
	defer cluster.mu.Unlock()
	l.naming.disconnect(client)
	l.log("connection ended", "connection", c.id)
}

// receive handles what a client sends on its stream; what it does not know is
// passed over.
func (l *life) receive(c *connection, out *outbox, in *payload) {
	c.heard.Store(time.Now().UnixNano())
	var message struct {
		RequestID     string `json:"requestId"`
		ClientVersion string `json:"clientVersion"`
	}
	if json.Unmarshal(in.body, &message) != nil {
		return
	}
	switch in.kind {
	case "ConnectionSetupRequest":
		l.setUp(c, out, message.ClientVersion)
	case "NotifySubscriberResponse":
		if client := c.current(); client != nil {
			l.naming.cluster.mu.Lock()
			l.naming.acknowledge(client, message.RequestID)
			l.naming.cluster.mu.Unlock()
		}
	}
}

func (l *life) setUp(c *connection, out *outbox, version string) {
	l.naming.cluster.mu.Lock()
	defer l.naming.cluster.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil || c.ended {
		return
	}
	c.out = out
	c.client = l.naming.connect(c.id, func(n notice) { out.put("NotifySubscriberRequest", newPushMessage(n)) })
	l.log("connection set up", "client", version, "connection", c.id)
}

// current returns the client of a connection that was set up and not removed.
func (c *connection) current() *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.client
}

// outbox sends on a stream without making the model wait for a slow client.
type outbox struct {
	mu     sync.Mutex
	queue  []*payload
	ready  chan struct{}
	closed chan struct{}
}

func newOutbox() *outbox {
	return &outbox{ready: make(chan struct{}, 1), closed: make(chan struct{})}
}

func (o *outbox) put(kind string, message any) {
	p, err := encodeMessage(kind, message)
	if err != nil {
		return
	}
	o.mu.Lock()
	o.queue = append(o.queue, p)
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// drain sends until the outbox is closed or the stream is broken.
func (o *outbox) drain(stream grpc.ServerStream) {
	for {
		select {
		case <-o.ready:
		case <-o.closed:
			return
		case <-stream.Context().Done():
			return
		}
		o.mu.Lock()
		queue := o.queue
		o.queue = nil
		o.mu.Unlock()
		for _, p := range queue {
			if stream.SendMsg(p) != nil {
				return
			}
		}
	}
}

func (o *outbox) close() { close(o.closed) }
