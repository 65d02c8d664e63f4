// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"os"
	"os/signal"
	"slices"
	"time"
)

// signalApart is how much later than the first signal another interrupt has to come to be meant. Signals are sent
// twice, within milliseconds, by coreutils' timeout (to the process and to its group), by wrappers that forward them,
// by process groups; and seconds apart by a preStop hook that kills process 1 and the kubelet after it.
const signalApart = time.Second

// A signalReader decides what signals mean: the first one is a trigger, and a person at a terminal who repeats the
// interrupt has lost patience.
type signalReader struct {
	c      <-chan os.Signal
	forces []os.Signal // WithForceSignals

	first       time.Time // when the first one came; zero: none has
	interrupted bool      // an interrupt was among them
	told        bool      // that one changes nothing
}

// notify subscribes to the signals; os/signal is not touched unless somebody asked for it.
func (m *Manager) notify() (*signalReader, func()) {
	r := &signalReader{c: m.signalled, forces: m.forceSignals}
	all := slices.Concat(m.signals, m.forceSignals)
	if r.c != nil || len(all) == 0 {
		return r, func() {}
	}
	c := make(chan os.Signal, 8)
	signal.Notify(c, all...)
	r.c = c
	return r, func() { signal.Stop(c) }
}

// read takes note of a signal and reports whether it ends the patience of an offline.
func (r *signalReader) read(sig os.Signal) (force bool) {
	now := time.Now()
	repeated := sig == os.Interrupt && r.interrupted && now.Sub(r.first) > signalApart
	if r.first.IsZero() {
		r.first = now
	}
	r.interrupted = r.interrupted || sig == os.Interrupt
	return repeated || slices.Contains(r.forces, sig)
}

// during acts on a signal that comes during an offline.
func (m *Manager) during(r *signalReader, sig os.Signal) {
	if r.read(sig) {
		m.Force()
		return
	}
	if !r.told {
		r.told = true
		m.log.Info("signal during an offline changes nothing", "signal", sig.String())
	}
}
