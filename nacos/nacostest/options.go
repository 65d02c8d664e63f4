// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// Timing of the official servers (2.0.4 to 3.0.3 agree), and the default of the
// field of [Options] with the same name.
const (
	// DefaultPushDelay passes between the first change of a burst and its push.
	DefaultPushDelay = 500 * time.Millisecond
	// DefaultPushTick is how often the server looks for pushes that are due, so
	// that one leaves up to this much after its delay.
	DefaultPushTick = 100 * time.Millisecond
	// DefaultAckTimeout is how long a push waits for the client's answer.
	DefaultAckTimeout = 5 * time.Second
	// DefaultPushRetry passes before a push without an answer is repeated.
	DefaultPushRetry = time.Second
	// DefaultEditMemory is how long an operator's edit outlives the instance.
	DefaultEditMemory = 60 * time.Second
	// DefaultIdle is how long a connection may be silent before the server asks
	// whether the client still lives.
	DefaultIdle = 20 * time.Second
	// DefaultDetection is how long the client has to answer that question.
	DefaultDetection = 5 * time.Second
	// DefaultSyncDelay passes before the other nodes of a cluster hear of a change.
	DefaultSyncDelay = time.Second
	// DefaultStaleCopy is how long the other nodes keep what a dead node had.
	DefaultStaleCopy = 180 * time.Second
)

// Options configures a server. The zero value imitates an official server with
// its own timing and without authentication. In every duration zero means the
// default; a test that wants none sets a millisecond.
type Options struct {
	// Addr is "HOST:PORT" of the HTTP port; gRPC is served on PORT+1000, which must
	// be free too. Empty, or with port 0, it is a free pair of ports on 127.0.0.1, or
	// on HOST. On a host that is not loopback everybody there can change every list.
	Addr string

	PushDelay  time.Duration
	PushTick   time.Duration
	AckTimeout time.Duration
	PushRetry  time.Duration
	EditMemory time.Duration
	Idle       time.Duration
	Detection  time.Duration
	SyncDelay  time.Duration
	StaleCopy  time.Duration

	// ServeAfter is how long after its start the server accepts connections and
	// does not serve; zero: it serves at once. See [Server.ServeAfter].
	ServeAfter time.Duration
	// Namespaces are the ids that the server says to have, besides public. Any other works as well, as on real servers,
	// where a typing error is a namespace of its own.
	Namespaces []string
	// WithoutV1 answers as a 3.x whose v1 and v2 paths are switched off
	// (nacos.core.api.compatibility.client.enabled=false): 410, and the open list at
	// /nacos/v3/client/ns/instance/list.
	WithoutV1 bool
	// Auth, when set, makes the server ask for a login.
	Auth *Auth
	// TLS, when set, is used on both ports.
	TLS *tls.Config
	// Logger gets a line for each connection, for each request and list asked for, for
	// each push, and for what an operator and a test do. Some are written with the
	// server's lock held: the handler must not call the server. Nil: none.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.PushDelay, DefaultPushDelay},
		{&o.PushTick, DefaultPushTick},
		{&o.AckTimeout, DefaultAckTimeout},
		{&o.PushRetry, DefaultPushRetry},
		{&o.EditMemory, DefaultEditMemory},
		{&o.Idle, DefaultIdle},
		{&o.Detection, DefaultDetection},
		{&o.SyncDelay, DefaultSyncDelay},
		{&o.StaleCopy, DefaultStaleCopy},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
