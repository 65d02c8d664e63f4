// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients/nacos_client"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
)

// made guards the SDK's process-wide map of clients, which it locks when a client is made and not when one is closed
// (RpcClient.Shutdown, v2.3.5): makers share it, closers exclude everybody.
var made sync.RWMutex

// closePatience is how long a close lets the call under way come to its end.
const closePatience = 250 * time.Millisecond

// afterConnect passes between the first connect and the first call. The SDK sends what was asked of it once more when
// it hears that it is connected, on a goroutine of its own, and then both answers are worked on at once: a data race,
// lists with an entry twice and another missing, and registrations whose second copy comes after a deregister. When it
// has heard before anything was asked, none of that happens, except where the registry is away at the start.
const afterConnect = 100 * time.Millisecond

// Client is one connection to the registry: an SDK naming client, its subscription and its registrations. What it has
// published is gone when it is closed. All methods are safe for concurrent use; calls run one after the other, in the
// order in which they got their turn, also those whose caller has left.
type Client struct {
	settings *Settings
	agent    *agent
	dir      string
	born     time.Time

	ready chan struct{}               // closed when the SDK's constructor has returned
	api   naming_client.INamingClient // valid once ready, nil if the constructor failed
	err   error                       // likewise: why

	turn chan struct{} // holds one value while a call runs

	reached atomic.Bool
	sending atomic.Int32 // calls of the SDK under way

	mu      sync.Mutex
	closing chan struct{} // closed by the first Close
	closed  chan struct{} // closed when nothing is left
	running sync.WaitGroup
	subs    map[string]*subscription
}

// NewClient returns at once and connects on a goroutine: the SDK's constructor may take 9 s when the address swallows
// packets, and logs in before it returns. The client must be closed.
func (s *Settings) NewClient() *Client {
	prepareProcess(s.log)
	c := &Client{
		settings: s,
		agent:    newAgent(s.tls),
		dir:      s.cacheDir(),
		born:     time.Now(),
		ready:    make(chan struct{}),
		turn:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		closed:   make(chan struct{}),
		subs:     map[string]*subscription{},
	}
	c.running.Go(c.construct)
	return c
}

// cacheDir is where the SDK writes every list that it gets; nobody reads it. Where there is no temporary directory,
// it is a place that cannot be written to.
func (s *Settings) cacheDir() string {
	dir, err := os.MkdirTemp("", "lameduck-nacos-") // mode 0700
	if err != nil {
		s.log.Debug("nacos: no temporary directory for the SDK's cache", "error", err)
		return filepath.Join(os.DevNull, "cache")
	}
	return dir
}

func (c *Client) construct() {
	defer close(c.ready)
	c.dial()
	if c.api == nil {
		return
	}
	calm := time.NewTimer(afterConnect)
	defer calm.Stop()
	select {
	case <-calm.C:
	case <-c.closing:
	}
}

func (c *Client) dial() {
	made.RLock()
	defer made.RUnlock()
	param := c.settings.parameters(c.dir)
	inner := &nacos_client.NacosClient{}
	if c.err = inner.SetClientConfig(*param.ClientConfig); c.err != nil {
		return
	}
	if c.err = inner.SetServerConfig(param.ServerConfigs); c.err != nil {
		return
	}
	if c.err = inner.SetHttpAgent(c.agent); c.err != nil {
		return
	}
	api, err := naming_client.NewNamingClientWithRamCredentialProvider(inner, param.RamCredentialProvider)
	if err != nil {
		c.err = fmt.Errorf("nacos-sdk-go: %w", err)
		return
	}
	c.api = api
}

// Reached reports whether the registry may have heard of anything that was asked for: whether a call has ended in another
// way than for want of a connection, or a list has come. The SDK repeats what is asked for when it connects, and then a
// list comes, too. It is true while a call is under way: what becomes of that is not known yet.
func (c *Client) Reached() bool { return c.sending.Load() > 0 || c.reached.Load() }

// Age is the time since NewClient.
func (c *Client) Age() time.Duration { return time.Since(c.born) }

// Close ends the connection, and with it everything that the client has published, and waits for the calls that are
// still under way, which end soon after. It returns context.Cause(ctx) if ctx ends first; the rest is then done in
// the background. Later calls wait for the same end. Callbacks do not run any more once Close was called, except for
// one that has begun before.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	select {
	case <-c.closing:
	default:
		close(c.closing)
		go c.shutdown() // waited for through closed
	}
	c.mu.Unlock()
	select {
	case <-c.closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close: %w", context.Cause(ctx))
	}
}

func (c *Client) shutdown() {
	defer close(c.closed)
	<-c.ready
	if c.api != nil {
		// A call that is cut off reads the SDK's state unsynchronised. Most take a few milliseconds.
		patience := time.NewTimer(closePatience)
		defer patience.Stop()
		select {
		case c.turn <- struct{}{}:
		case <-patience.C:
		}
		made.Lock()
		c.api.CloseClient()
		made.Unlock()
	}
	c.running.Wait()
	c.agent.close()
	_ = os.RemoveAll(c.dir) // a private directory under the system's temporary one: nothing to be done if it stays
}

func (c *Client) isClosing() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}
