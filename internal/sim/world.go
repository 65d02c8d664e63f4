// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// A world is one run of a schedule.
type world struct {
	schedule Schedule
	strategy Strategy
	log      *slog.Logger
	network  *network
	registry *registry
	history  *history

	watching sync.WaitGroup

	mu        sync.Mutex
	instances int
	slots     []*instance
	all       []*instance
}

// Run plays a schedule inside the synctest bubble of its caller and returns what came of it. Every goroutine that it
// starts has ended, or ends with time alone.
func Run(s Schedule, strategy Strategy, log *slog.Logger) Result {
	w := &world{
		schedule: s, strategy: strategy, log: log,
		network: newNetwork(s.Latency), registry: newRegistry(s), history: newHistory(), slots: make([]*instance, s.Slots),
	}
	for slot := range w.slots {
		w.start(slot, "").awaitReady(time.Minute)
	}
	time.Sleep(s.Spread + time.Millisecond)

	var clients []*client
	for n, plan := range s.Clients {
		clients = append(clients, w.newClient(n+1, plan))
	}
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	for _, c := range clients {
		load.Go(func() { c.run(ctx) })
	}
	time.Sleep(500 * time.Millisecond)
	w.registry.begin()
	w.play()

	time.Sleep(time.Second)
	stop()
	load.Wait()
	time.Sleep(time.Second) // calls that have begun to dial are through
	var exits sync.WaitGroup
	for _, i := range w.slots {
		exits.Go(func() { i.terminate(0) })
	}
	exits.Wait()
	for _, c := range clients {
		c.await()
	}
	w.watching.Wait()
	time.Sleep(2 * numbness) // handlers that were abandoned
	return w.judge()
}

// start puts a new instance into a slot.
func (w *world) start(slot int, addr string) *instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, err := w.newInstance(addr)
	if err != nil {
		panic(err) // the predecessor has ended, and with it its listener
	}
	w.slots[slot] = i
	w.all = append(w.all, i)
	if i.manager != nil {
		w.watching.Go(func() { w.watchHealth(i) })
	}
	return i
}

func (w *world) current(slot int) *instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slots[slot]
}

func (w *world) group(first, last int) []*instance {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.slots[first:last])
}

// play performs the acts: group after group, or each slot on its own.
func (w *world) play() {
	if w.schedule.Group > 0 {
		for slot := 0; slot < w.schedule.Slots; slot += w.schedule.Group {
			w.replace(slot, min(slot+w.schedule.Group, w.schedule.Slots))
		}
		return
	}
	var acts, slots sync.WaitGroup
	for slot, list := range w.schedule.Acts {
		slots.Go(func() { w.perform(slot, list, &acts) })
	}
	slots.Wait()
	acts.Wait()
}

func (w *world) perform(slot int, list []Act, async *sync.WaitGroup) {
	for _, a := range list {
		time.Sleep(a.Pause)
		i := w.current(slot)
		switch a.Kind {
		case Restart:
			w.restart(slot, i, a)
		case Drain, Resume:
			async.Go(func() { i.act(a.Kind) })
		case OperatorOffline, OperatorOnline:
			w.registry.operate(i.at.name, a.Kind == OperatorOnline)
		}
	}
}

func (w *world) restart(slot int, old *instance, a Act) {
	if a.Surge {
		w.start(slot, "").awaitReady(20 * time.Second)
	}
	old.terminate(a.Force)
	switch {
	case a.SameAddr:
		w.start(slot, old.at.name)
	case !a.Surge:
		w.start(slot, "")
	}
}

// replace restarts the slots from first to last-1 at once, as often as the schedule says.
func (w *world) replace(first, last int) {
	for n, a := range w.schedule.Acts[first] {
		time.Sleep(a.Pause)
		old := w.group(first, last)
		if a.Surge {
			for slot := first; slot < last; slot++ {
				w.start(slot, "")
			}
			w.awaitGroup(first, last)
			if len(old) > 1 {
				w.awaitSeen(old, w.group(first, last))
			}
		}
		var exits sync.WaitGroup
		for k, i := range old {
			exits.Go(func() {
				i.terminate(w.act(first+k, n).Force)
				switch {
				case a.SameAddr:
					w.start(first+k, i.at.name)
				case !a.Surge:
					w.start(first+k, "")
				}
			})
		}
		exits.Wait()
		w.awaitGroup(first, last)
		time.Sleep(w.schedule.Spread + 100*time.Millisecond) // every client has heard of it, and is connected
	}
}

// act is the nth of a slot, or of its group where that has more.
func (w *world) act(slot, n int) Act {
	if acts := w.schedule.Acts[slot]; n < len(acts) {
		return acts[n]
	}
	return Act{}
}

func (w *world) awaitGroup(first, last int) {
	for slot := first; slot < last; slot++ {
		w.current(slot).awaitReady(time.Minute)
	}
}

// awaitSeen waits until the old instances know of the new ones, as who switches from blue to green does: an instance
// that sees others, who will leave too, cannot know that it has to wait for more.
func (w *world) awaitSeen(old, next []*instance) {
	if w.schedule.Virtual {
		return
	}
	for _, i := range old {
		for _, other := range next {
			for !i.registrar.sees(other.at.name) && other.registrar.registry.lists(other.at.name) {
				time.Sleep(time.Millisecond)
			}
		}
	}
}
