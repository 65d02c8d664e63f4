// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"maps"
	"time"
)

// edit is an operator's record of an instance. It overrides what clients publish
// for that ip:port:cluster: weight, enabled flag, and the metadata keys it has.
type edit struct {
	enabled  bool
	weight   float64
	metadata map[string]string
	expires  time.Time // zero while the instance is published
}

type editKey struct {
	service serviceKey
	place   placeKey
}

// SetEnabled is the operator's switch in the Nacos console: with false the
// instance disappears from all lists after the push delay although its client
// stays registered, and the client cannot undo it. The flag stays until it is
// switched back, or until the instance has been gone for [DefaultEditMemory]
// (measured on 2.5.1 and 3.0.3: a pod that comes back on the same address within
// a minute is registered and invisible).
//
// As the console does, it also writes down the present weight and metadata, which
// the client can then no longer change. addr is "IP:PORT"; an instance that is not
// published yet is hidden once it is.
func (s *Server) SetEnabled(service, addr string, enabled bool) {
	s.edit(service, addr, func(e *edit) { e.enabled = enabled })
}

// SetWeight edits the weight as an operator does; see [Server.SetEnabled].
func (s *Server) SetWeight(service, addr string, weight float64) {
	s.edit(service, addr, func(e *edit) { e.weight = weight })
}

// SetMetadata edits the metadata as an operator does; see [Server.SetEnabled].
// Keys that are not in it stay the client's.
func (s *Server) SetMetadata(service, addr string, metadata map[string]string) {
	s.edit(service, addr, func(e *edit) { e.metadata = maps.Clone(metadata) })
}

func (s *Server) edit(service, addr string, change func(*edit)) {
	key := parseService(service)
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	places := s.cluster.places(key, addr)
	for _, place := range places {
		s.logEdit(key, place, s.cluster.edit(key, place, change))
	}
}

// places finds the clusters in which an address is published.
func (c *cluster) places(key serviceKey, addr string) []placeKey {
	seen := map[placeKey]bool{}
	var places []placeKey
	for _, n := range c.nodes {
		for _, i := range n.view(key) {
			if i.Addr() == addr && !seen[i.place()] {
				seen[i.place()] = true
				places = append(places, i.place())
			}
		}
	}
	if len(places) == 0 {
		places = append(places, placeKey{addr: addr, cluster: defaultCluster})
	}
	return places
}

func (c *cluster) edit(key serviceKey, place placeKey, change func(*edit)) *edit {
	k := editKey{key, place}
	e := &edit{enabled: true, weight: 1}
	if old := c.live(k); old != nil {
		*e = *old
	}
	for _, n := range c.nodes {
		for _, i := range n.view(key) {
			if i.place() == place {
				e.enabled, e.weight, e.metadata = i.Enabled, i.Weight, i.Metadata
			}
		}
	}
	change(e)
	c.edits[k] = e
	for _, n := range c.nodes {
		n.changed(key)
	}
	return e
}

// live returns the record under k unless its memory has run out.
func (c *cluster) live(k editKey) *edit {
	e := c.edits[k]
	if e != nil && !e.expires.IsZero() && !time.Now().Before(e.expires) {
		delete(c.edits, k)
		return nil
	}
	return e
}

// remember starts the expiry of edits whose instance nobody publishes any more
// and stops it for those that are published again.
func (n *naming) remember(key serviceKey, instances []Instance) {
	for _, i := range instances {
		e := n.cluster.live(editKey{key, i.place()})
		if e == nil {
			continue
		}
		if n.cluster.published(key, i.place()) {
			e.expires = time.Time{}
		} else if e.expires.IsZero() {
			e.expires = time.Now().Add(n.opts.EditMemory)
		}
	}
}

func (c *cluster) published(key serviceKey, place placeKey) bool {
	for _, n := range c.nodes {
		s := n.services[key]
		if s == nil {
			continue
		}
		for _, p := range s.publishers {
			for _, i := range p.published[key] {
				if i.place() == place {
					return true
				}
			}
		}
	}
	return false
}

func (n *naming) applyEdit(key serviceKey, i *Instance) {
	e := n.cluster.live(editKey{key, i.place()})
	if e == nil {
		return
	}
	i.Enabled, i.Weight = e.enabled, e.weight
	if i.Metadata == nil {
		i.Metadata = map[string]string{}
	}
	maps.Copy(i.Metadata, e.metadata)
}
