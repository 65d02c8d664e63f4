// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// A link is one connection, what we publish on it, and what its subscription shows of our address. All but the
// connection is guarded by the Registrar's lock; self is written with the turn as well, so that either will do to read.
type link struct {
	connection
	self     sdk.Instance
	asked    bool // a registration was asked for, and neither refused nor confirmed to be absent since
	view     view
	updating bool // lists may show what was before an Update
}

// A view is the latest list, as far as it is about our address.
type view struct {
	lists   uint64         // how many lists there were; zero: nothing is known
	entries []sdk.Instance // with our ip and port, in whatever cluster
	listed  bool           // one of them is in our cluster
	gone    time.Time      // since when there has been none of them; zero while there is one
}

func (v view) shows() bool  { return v.lists > 0 && v.listed }
func (v view) absent() bool { return v.lists > 0 && len(v.entries) == 0 }

// at keeps what is about i's address.
func at(list []sdk.Instance, i sdk.Instance) (entries []sdk.Instance, listed bool) {
	for _, e := range list {
		if e.Port == i.Port && sameHost(e.Ip, i.Ip) {
			entries = append(entries, e)
			listed = listed || sameCluster(e, i)
		}
	}
	return entries, listed
}

// open makes a connection and subscribes on it. An error means that there is no list yet; the connection goes on
// trying.
func (r *Registrar) open(ctx context.Context, self sdk.Instance) (*link, error) {
	l := &link{connection: r.connect(), self: self}
	return l, r.subscribe(ctx, l)
}

func (r *Registrar) subscribe(ctx context.Context, l *link) error {
	return l.Subscribe(ctx, r.inst.Service, r.inst.Group, func(list []sdk.Instance) { r.show(l, list) })
}

// show takes a list from the SDK's receive goroutine.
func (r *Registrar) show(l *link, list []sdk.Instance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := view{lists: l.view.lists + 1, gone: l.view.gone}
	v.entries, v.listed = at(list, l.self)
	if len(v.entries) > 0 {
		v.gone = time.Time{}
	} else if v.gone.IsZero() {
		v.gone = time.Now()
	}
	l.view = v
	r.others.update(list, l.self, time.Now())
	r.log.Debug("nacos: list", "instances", len(list), "listed", v.listed)
	if l == r.link {
		r.feedView()
		r.compare(l)
	}
	r.notify()
}

// until waits until ok, which is called with the lock held, or for d; it reports whether ok came true. An error is
// the cause of ctx.
func (r *Registrar) until(ctx context.Context, d time.Duration, ok func() bool) (bool, error) {
	limit := time.NewTimer(d)
	defer limit.Stop()
	for {
		r.mu.Lock()
		done, changed := ok(), r.changed
		r.mu.Unlock()
		if done {
			return true, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			return false, nil
		case <-ctx.Done():
			return false, context.Cause(ctx)
		}
	}
}

// adopt makes l the connection, or none, and closes the one before in the background. What that one has published is
// gone with it, which nobody has seen yet.
func (r *Registrar) adopt(l *link) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.link
	if r.machine.state == stateClosed {
		old, l = l, nil // too late
	}
	r.link = l
	if l != nil {
		r.keep.Do(func() { r.keeper.Go(r.watchSelf) })
	}
	if old != nil {
		r.leftover = r.leftover || old.mayBePublished()
		r.keeper.Go(func() { r.drop(old) })
	}
	r.notify()
}

// discard closes a connection that was not adopted, if it is one, in the background.
func (r *Registrar) discard(l *link) {
	if l == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leftover = r.leftover || l.mayBePublished() && l.asked
	r.keeper.Go(func() { r.drop(l) })
}

func (r *Registrar) drop(l *link) {
	ctx, cancel := context.WithTimeout(context.Background(), r.t.close)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		r.log.Warn("nacos: connection is still being closed", "err", err)
	}
}

// describe names an entry of a list.
func describe(i sdk.Instance) string {
	return fmt.Sprintf("%s (cluster %s, weight %v, metadata %v)", hostPort(i), i.ClusterName, i.Weight, i.Metadata)
}

func describeAll(entries []sdk.Instance) string {
	var names []string
	for _, e := range entries {
		names = append(names, describe(e))
	}
	return strings.Join(names, ", ")
}

func hostPort(i sdk.Instance) string { return net.JoinHostPort(i.Ip, strconv.FormatUint(i.Port, 10)) }

// mayBePublished is called with the lock held. A missing answer is none: what was asked for may have happened, unless
// the registry cannot have heard of it.
func (l *link) mayBePublished() bool { return l.view.listed || l.asked && l.Reached() }

// foreign tells whether one of the entries cannot be our own registration, whatever an operator has edited: an edit
// changes weight and metadata.
func foreign(entries []sdk.Instance, self sdk.Instance) bool {
	return slices.ContainsFunc(entries, func(e sdk.Instance) bool { return !sameCluster(e, self) })
}

// A difference is what the registry shows other than we publish it.
type difference struct{ weight, metadata, weightless bool }

func differs(ours, shown sdk.Instance) difference {
	return difference{
		weight:     ours.Weight != shown.Weight,
		metadata:   !maps.Equal(ours.Metadata, shown.Metadata),
		weightless: shown.Weight <= 0,
	}
}

// different tells whether one of the entries is not what we have published.
func different(entries []sdk.Instance, self sdk.Instance) bool {
	return foreign(entries, self) ||
		slices.ContainsFunc(entries, func(e sdk.Instance) bool { return differs(self, e) != (difference{}) })
}

func sameHost(a, b string) bool {
	if a == b {
		return true
	}
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	return errX == nil && errY == nil && x.Unmap() == y.Unmap()
}

func (r *Registrar) what() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.link == nil {
		return r.inst.Service
	}
	return r.inst.Service + " " + hostPort(r.link.self)
}
