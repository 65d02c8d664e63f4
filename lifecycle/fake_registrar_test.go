// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"
)

// fakeRegistrar confirms after a delay, unless told otherwise.
type fakeRegistrar struct {
	*recorder
	name       string
	delay      time.Duration
	settle     time.Duration
	register   func(ctx context.Context) error // nil: succeeds after delay
	deregister func(ctx context.Context) error
	close      func() error
	operator   chan bool
}

func newFakeRegistrar(r *recorder, name string) *fakeRegistrar {
	return &fakeRegistrar{recorder: r, name: name, delay: 600 * time.Millisecond, settle: 3 * time.Second, operator: make(chan bool, 1)}
}

func (r *fakeRegistrar) wait(ctx context.Context, f func(context.Context) error) error {
	if f != nil {
		return f(ctx)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(r.delay):
		return nil
	}
}

func (r *fakeRegistrar) Register(ctx context.Context, _ net.Addr) error {
	r.add(r.name + ".Register")
	err := r.wait(ctx, r.register)
	if err == nil {
		r.add(r.name + " listed")
	}
	return err
}

func (r *fakeRegistrar) Deregister(ctx context.Context) error {
	r.add(r.name + ".Deregister")
	err := r.wait(ctx, r.deregister)
	if err == nil {
		r.add(r.name + " absent")
	}
	return err
}

func (r *fakeRegistrar) Settle() time.Duration { return r.settle }
func (r *fakeRegistrar) String() string        { return r.name }

func (r *fakeRegistrar) Watch(ctx context.Context, changed func(bool)) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case online := <-r.operator:
			changed(online)
		}
	}
}

func (r *fakeRegistrar) Close() error {
	r.add(r.name + ".Close")
	if r.close != nil {
		return r.close()
	}
	return nil
}

// A listing is a fakeRegistrar that knows of the others.
type listing struct {
	*fakeRegistrar
	mu   sync.Mutex
	list []Other
}

func (l *listing) Others() []Other {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list
}

// set replaces the others by one for each age; zero is one of the first list.
func (l *listing) set(ages ...time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = []Other{}
	for n, age := range ages {
		other := Other{Addr: fmt.Sprintf("10.0.0.%d:1", n), Usable: true}
		if age > 0 {
			other.Since = time.Now().Add(-age)
		}
		l.list = append(l.list, other)
	}
}

// newListingRig has a registrar that knows of the others, and nobody else is listed.
func newListingRig(t *testing.T, opts ...Option) (*rig, *listing) {
	r := newRig(t)
	l := &listing{fakeRegistrar: r.reg}
	r.Manager = New(r.server, append([]Option{
		WithCalls(r.calls), WithHealth(r.health), WithRegistrar(l), WithLogger(slog.New(slog.NewTextHandler(t.Output(), nil))),
	}, opts...)...)
	return r, l
}
