// SPDX-License-Identifier: Apache-2.0

package nacos

// step is called with the lock held, as is notify.
func (r *Registrar) step(e event) {
	was := r.machine
	r.machine.handle(e)
	r.logChange(was, e)
	r.notify()
}

func (r *Registrar) notify() {
	close(r.changed)
	r.changed = make(chan struct{})
}

// feed tells the machine what came of its todo, unless it wants something else by now.
func (r *Registrar) feed(turn uint64, e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.machine.revision != turn {
		return
	}
	r.step(e)
	if e == eventReplaced {
		r.feedView()
	}
}

// feedView tells the machine what the view shows; with the lock held.
func (r *Registrar) feedView() {
	switch l := r.link; {
	case l == nil || l.view.lists == 0:
	case l.view.listed, r.machine.state == stateWithdrawn && len(l.view.entries) > 0:
		r.step(eventListed)
	default:
		r.step(eventGone)
	}
}

// logChange logs what a change of state means; with the lock held.
func (r *Registrar) logChange(was machine, e event) {
	before, after := was.state, r.machine.state
	if !was.doubted && r.machine.doubted {
		r.log.Warn("nacos: the open list does not have us, and our subscription does: nodes disagree, or our view is broken",
			"a new connection", string(e))
	}
	if before == after && e != eventReplaced {
		return
	}
	r.log.Debug("nacos: self-watch", "from", string(before), "event", string(e), "to", string(after))
	switch {
	case before == stateRegistering && after == stateRegistered:
		r.log.Info("nacos: listed")
	case before == stateRegistering && after == stateOffline:
		r.log.Warn("nacos: registered but not listed: an operator has switched this address off, or did so less than a " +
			"minute ago; staying registered, it ends when the operator switches it on")
	case after == stateOffline:
		r.log.Warn("nacos: an operator has switched the instance off")
	case before == stateOffline && after == stateRegistered:
		r.log.Info("nacos: an operator has switched the instance on")
	case before == stateProbing && e == eventListed:
		r.log.Warn("nacos: the registration was lost, and is back")
	case e == eventReplaced:
		r.log.Warn("nacos: our subscription or our login did not work any more: new connection")
	case after == stateAbsent && (e == eventFailed || e == eventNoOpinion):
		r.log.Warn("nacos: absent from the list, reason unknown, staying online", "event", string(e))
	}
}
