// SPDX-License-Identifier: Apache-2.0

package nacostest

import "slices"

// view builds the list of everything published for a service, edits applied,
// entries with the same ip:port:cluster merged into one, sorted. The latest
// publication of an entry wins.
func (n *naming) view(key serviceKey) []Instance {
	s := n.services[key]
	if s == nil {
		return nil
	}
	at := map[placeKey]int{}
	var list []Instance
	for _, c := range s.publishers {
		for _, published := range c.published[key] {
			i := published.clone()
			i.Owners = 1
			if k, ok := at[i.place()]; ok {
				i.Owners += list[k].Owners
				list[k] = i
				continue
			}
			at[i.place()] = len(list)
			list = append(list, i)
		}
	}
	for k := range list {
		n.applyEdit(key, &list[k])
	}
	slices.SortFunc(list, compareInstances)
	return list
}

// list is the snapshot that answers and open reads show. Only a push renews it,
// so that after a change it is out of date for the push delay
// (ServiceStorage.getData; measured over HTTP on 2.5.1 and 3.0.3).
func (n *naming) list(key serviceKey) []Instance {
	s := n.services[key]
	if s == nil {
		return nil
	}
	if !s.built && len(s.publishers) > 0 {
		n.rebuild(key, s)
	}
	return s.snapshot
}

func (n *naming) rebuild(key serviceKey, s *service) {
	if s.held {
		return
	}
	s.built = true
	s.snapshot = slices.DeleteFunc(n.view(key), func(i Instance) bool { return !i.Enabled })
}

// instances is everything published, with what the snapshot says about it.
func (n *naming) instances(key serviceKey) []Instance {
	all := n.view(key)
	listed := n.list(key)
	for k, i := range all {
		all[k].Listed = slices.ContainsFunc(listed, func(l Instance) bool { return l.place() == i.place() })
	}
	return all
}
