// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A step is what happens at a time of a schedule.
type step struct {
	at   time.Duration
	name string
	run  func() error
	heal bool // it ends a fault, and is none itself
}

// A plan is the schedule that follows from a seed.
type plan struct {
	random *rand.Rand
	scene  *scene
	steps  []step
}

// newPlan draws three to eight faults. The first instance is spared by operators and restarts, so that there is always
// one to call.
func newPlan(seed uint64, s *scene) *plan {
	p := &plan{random: rand.New(rand.NewPCG(seed, 0x1a3e)), scene: s}
	s.size, s.count, s.deserted = 2+p.random.IntN(2), 1, p.random.IntN(5) == 0
	faults := []func(*plan, time.Duration){
		(*plan).restart, (*plan).restart, (*plan).freeze, (*plan).closeConnection, (*plan).cutConnection,
		(*plan).loseRegistration, (*plan).staleList, (*plan).skewClock, (*plan).pushDelay, (*plan).failNext,
		(*plan).blind, (*plan).operator, (*plan).operator, (*plan).restartInstance, (*plan).restartInstance,
		(*plan).loseAnswers, (*plan).edit, (*plan).secondOwner, (*plan).briefInstance,
	}
	if seed%2 == 0 {
		s.count, s.virtual = clusterSize, p.random.IntN(2) == 0
		faults = p.clusterFaults()
	}
	at := p.upTo(time.Second)
	for range 3 + p.random.IntN(6) {
		faults[p.random.IntN(len(faults))](p, at)
		at += p.upTo(1200 * time.Millisecond)
	}
	slices.SortStableFunc(p.steps, func(a, b step) int { return int(a.at - b.at) })
	return p
}

func (p *plan) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d instances, %d nodes (behind a virtual address: %v, without clients: %v)",
		p.scene.size, p.scene.count, p.scene.virtual, p.scene.deserted)
	for _, step := range p.steps {
		fmt.Fprintf(&s, "\n%6d ms %s", step.at.Milliseconds(), step.name)
	}
	return s.String()
}

func (p *plan) upTo(d time.Duration) time.Duration { return time.Duration(p.random.Int64N(int64(d))) }

func (p *plan) add(at time.Duration, name string, run func() error) {
	p.steps = append(p.steps, step{at: at, name: name, run: run})
}

func (p *plan) end(at time.Duration, name string, run func() error) {
	p.steps = append(p.steps, step{at: at, name: name, run: run, heal: true})
}

// any is the number of an instance, other one that is not the first.
func (p *plan) any() int   { return p.random.IntN(p.scene.size) }
func (p *plan) other() int { return 1 + p.random.IntN(p.scene.size-1) }

// kinds counts the faults of the plan by their name without the numbers.
func (p *plan) kinds() map[string]int {
	kinds := map[string]int{}
	for _, s := range p.steps {
		if s.heal {
			continue
		}
		words := strings.FieldsFunc(s.name, func(r rune) bool { return r == ' ' })
		kinds[strings.Join(words[:min(2, len(words))], " ")]++
	}
	return kinds
}

func (p *plan) restart(at time.Duration) {
	outage, silent := p.upTo(2*time.Second), p.upTo(4*time.Second)-2*time.Second
	p.add(at, "registry restart", func() error {
		p.scene.registry.ServeAfter(max(silent, 0))
		p.scene.registry.Kill()
		return nil
	})
	p.end(at+outage, fmt.Sprintf("revive, serves %v later", max(silent, 0)), func() error { return p.scene.registry.Revive() })
}

func (p *plan) freeze(at time.Duration) {
	p.add(at, "freeze", func() error { p.scene.registry.Freeze(); return nil })
	p.end(at+200*time.Millisecond+p.upTo(4*time.Second), "thaw", func() error { p.scene.registry.Thaw(); return nil })
}

func (p *plan) closeConnection(at time.Duration) { p.drop(at, "close connection", nacostest.Closed) }

func (p *plan) cutConnection(at time.Duration) { p.drop(at, "cut connection", nacostest.HalfOpen) }

// drop spares the clients' connections: what a consumer misses then is not the instance's doing.
func (p *plan) drop(at time.Duration, name string, how nacostest.Drop) {
	n := p.any()
	p.add(at, fmt.Sprintf("%s of %d", name, n), func() error {
		for _, node := range p.scene.nodes {
			node.DropConnections(how, p.scene.addr(n))
		}
		return nil
	})
}

func (p *plan) loseRegistration(at time.Duration) {
	n := p.other() // a client whose list has nobody but an instance that was killed has nobody to call
	p.add(at, fmt.Sprintf("lose registration of %d", n), func() error {
		for _, node := range p.scene.nodes {
			node.LoseRegistration(p.scene.service, p.scene.addr(n))
		}
		return nil
	})
}

func (p *plan) staleList(at time.Duration) {
	stale := func(on bool) func() error {
		return func() error { p.scene.registry.StaleList(p.scene.service, on); return nil }
	}
	p.add(at, "stale list", stale(true))
	p.end(at+p.upTo(3*time.Second), "fresh list", stale(false))
}

// skewClock sets the clock forth, and back only where there are no clients: those drop every list until it has caught
// up, which no instance can know.
func (p *plan) skewClock(at time.Duration) {
	skew := p.scene.skew + p.upTo(5*time.Second)
	if p.scene.deserted {
		skew = p.upTo(20*time.Second) - 10*time.Second
	}
	p.scene.skew = max(p.scene.skew, skew)
	p.add(at, fmt.Sprintf("skew clock by %v", skew), func() error {
		p.scene.registry.SkewClock(skew)
		return nil
	})
}

func (p *plan) pushDelay(at time.Duration) {
	d := 100*time.Millisecond + p.upTo(time.Second)
	p.add(at, fmt.Sprintf("push delay %v", d), func() error { p.scene.registry.PushDelay(d); return nil })
}

// failNext spares subscriptions, as drop does.
func (p *plan) failNext(at time.Duration) {
	failures := []nacostest.Failure{nacostest.ErrorResponse, nacostest.Forbidden, nacostest.Timeout, nacostest.AnswerLost, nacostest.Ignored}
	ops := []nacostest.Op{nacostest.Register, nacostest.Deregister, nacostest.OpenList}
	failure, op, n := 1+p.random.IntN(len(failures)), ops[p.random.IntN(len(ops))], 1+p.random.IntN(3)
	p.add(at, fmt.Sprintf("fail next %d of %s, way %d", n, op, failure), func() error {
		p.scene.failNext(failures[failure-1], n, op)
		return nil
	})
}

// briefInstance is told to go before it has been told that it is registered; the registry stands still then, perhaps.
func (p *plan) briefInstance(at time.Duration) {
	life, lost, frozen := 100*time.Millisecond+p.upTo(700*time.Millisecond), p.random.IntN(3), p.random.IntN(2) == 0
	var i *scheduled
	p.add(at, fmt.Sprintf("brief instance: goes after %v, %d answers lost", life, lost), func() (err error) {
		p.scene.failNext(nacostest.AnswerLost, lost, nacostest.Register)
		i, err = p.scene.extra()
		return err
	})
	p.end(at+life, fmt.Sprintf("the brief instance goes (frozen: %v)", frozen), func() error {
		if frozen {
			for _, node := range p.scene.nodes[min(p.scene.sparedNodes(), p.scene.count-1):] {
				node.Freeze()
			}
		}
		p.scene.gone.Go(func() { p.scene.stop(i) })
		return nil
	})
	if frozen {
		p.end(at+life+500*time.Millisecond+p.upTo(4*time.Second), "thaw", func() error {
			for _, node := range p.scene.nodes {
				node.Thaw()
			}
			return nil
		})
	}
}

// loseAnswers lets the registry do what it is asked for, and say nothing.
func (p *plan) loseAnswers(at time.Duration) {
	op := []nacostest.Op{nacostest.Register, nacostest.Deregister}[p.random.IntN(2)]
	n := 1 + p.random.IntN(6)
	p.add(at, fmt.Sprintf("lose answers: %d of %s", n, op), func() error {
		p.scene.failNext(nacostest.AnswerLost, n, op)
		return nil
	})
}

// edit is an operator's. It outlives the instance, as their offline does.
func (p *plan) edit(at time.Duration) {
	n, weight := p.any(), float64(2+p.random.IntN(8))
	p.add(at, fmt.Sprintf("operator edits %d: weight %v", n, weight), func() error {
		p.scene.registry.SetWeight(p.scene.service, p.scene.addr(n), weight)
		return nil
	})
}

// secondOwner publishes an instance's address for a while.
func (p *plan) secondOwner(at time.Duration) {
	n := p.other()
	var withdraw func()
	p.add(at, fmt.Sprintf("second owner of %d", n), func() (err error) {
		i := p.scene.at(n)
		i.shared.Store(true)
		withdraw, err = p.scene.registry.Publish(p.scene.service, i.addr, func(i *nacostest.Instance) {
			i.Metadata = map[string]string{"kind": "grpc"}
		})
		if err != nil { // the registry is down
			withdraw = func() {}
		}
		return nil
	})
	p.end(at+p.upTo(4*time.Second), fmt.Sprintf("second owner of %d leaves", n), func() error { withdraw(); return nil })
}

func (p *plan) blind(at time.Duration) {
	p.add(at, "subscriptions lost", p.scene.blind)
}

func (p *plan) operator(at time.Duration) {
	n := p.other()
	p.add(at, fmt.Sprintf("operator offline %d", n), func() error { p.scene.setEnabled(n, false); return nil })
	if p.random.IntN(2) == 0 {
		p.end(at+p.upTo(9*time.Second), fmt.Sprintf("operator online %d", n), func() error {
			p.scene.setEnabled(n, true)
			return nil
		})
	}
}

func (p *plan) restartInstance(at time.Duration) {
	n := p.other()
	p.add(at, fmt.Sprintf("instance restart %d", n), func() error { return p.scene.restart(n) })
}
