// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"sync"
	"time"
)

// agenda runs what is due later, one thing at a time, on one goroutine, with
// the model's lock held. A second entry under a key keeps the earlier time and
// the first function: the way in which the servers merge delayed tasks.
type agenda struct {
	mu    sync.Locker // the model's
	tasks map[any]task
	wake  chan struct{}
	done  chan struct{}
	pause func(done <-chan struct{}) // blocks while the process is frozen
	owner sync.WaitGroup
}

type task struct {
	at  time.Time
	run func()
}

func startAgenda(mu sync.Locker, pause func(<-chan struct{})) *agenda {
	a := &agenda{
		mu:    mu,
		tasks: map[any]task{},
		wake:  make(chan struct{}, 1),
		done:  make(chan struct{}),
		pause: pause,
	}
	a.owner.Go(a.loop)
	return a
}

// add needs the model's lock.
func (a *agenda) add(key any, at time.Time, run func()) {
	if old, ok := a.tasks[key]; ok && !old.at.After(at) {
		return
	}
	a.tasks[key] = task{at: at, run: run}
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// drop needs the model's lock.
func (a *agenda) drop(key any) { delete(a.tasks, key) }

func (a *agenda) loop() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if a.pause != nil {
			a.pause(a.done)
		}
		timer.Reset(a.runDue())
		select {
		case <-timer.C:
		case <-a.wake:
		case <-a.done:
			return
		}
	}
}

// runDue runs what is due in order of time and returns how long to wait.
func (a *agenda) runDue() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	for {
		key, next, ok := a.earliest()
		if !ok {
			return time.Hour
		}
		if wait := time.Until(next.at); wait > 0 {
			return wait
		}
		delete(a.tasks, key)
		next.run()
	}
}

func (a *agenda) earliest() (key any, next task, ok bool) {
	for k, t := range a.tasks {
		if !ok || t.at.Before(next.at) {
			key, next, ok = k, t, true
		}
	}
	return key, next, ok
}

// stop ends the goroutine and waits for it; what was on the agenda is dropped.
// It must be called without the model's lock.
func (a *agenda) stop() {
	close(a.done)
	a.owner.Wait()
}
