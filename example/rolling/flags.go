// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
)

const (
	maxRate     = 5000 // more than two cores can do six times over
	maxReplicas = 3
	maxNodes    = 3
)

// command is the command line.
type command struct {
	nacos      string
	through    string // a balancer; empty: none
	haproxy    string // the program, with through
	nodes      int
	replicas   int
	strategies []Strategy // nil: all that make sense
	seconds    float64
	rate       float64
	seed       uint64
	json       bool
}

func (c *command) flags() *flag.FlagSet {
	set := flag.NewFlagSet("rolling", flag.ContinueOnError)
	set.StringVar(&c.nacos, "nacos", "", "`HOST:PORT` of a Nacos server's HTTP port; empty: an embedded server")
	set.StringVar(&c.through, "through", "", "the `balancer` that clients call through: haproxy; empty: they find the backends in the registry")
	set.IntVar(&c.nodes, "nodes", 1, "how many `nodes` the embedded server has; backends and clients are spread over them")
	set.IntVar(&c.replicas, "replicas", maxReplicas, "how many `backends` there are at a time; 1 or 2 are replaced as soon as their successor is ready")
	set.Func("strategies", "`list` of the ways to go offline, with commas: "+joinStrategies(strategies)+"\n(default all; recreate needs -replicas 1)", func(s string) (err error) {
		c.strategies, err = parseStrategies(s)
		return err
	})
	set.Float64Var(&c.seconds, "seconds", 0, "go on restarting each strategy's backends for at least this `time` in seconds;\n0: one round on new ports and one on the same ports, which are done in any case")
	set.Float64Var(&c.rate, "rate", 200, "`calls` a second of each client kind")
	set.Uint64Var(&c.seed, "seed", 0, "`seed` of the order of restarts, the calls' moments and the clients' choices; 0: another one each time")
	set.BoolVar(&c.json, "json", false, "print JSON, and nothing else, to stdout")
	return set
}

// check returns an error that names the first flag whose value cannot be used.
func (c *command) check() error {
	if c.nacos != "" {
		if err := flags.HostPort("nacos", c.nacos, 1); err != nil {
			return err
		}
	}
	switch {
	case c.nodes < 1 || c.nodes > maxNodes:
		return flags.Wrong("nodes", c.nodes, "want 1 to 3")
	case c.nodes > 1 && c.nacos != "":
		return flags.Wrong("nodes", c.nodes, "want 1 with -nacos: only the embedded server has more")
	case c.replicas < 1 || c.replicas > maxReplicas:
		return flags.Wrong("replicas", c.replicas, "want 1 to 3")
	case c.replicas > 1 && slices.Contains(c.strategies, Recreate):
		return flags.Wrong("strategies", Recreate, "want -replicas 1 with it")
	}
	if err := c.checkThrough(); err != nil {
		return err
	}
	if c.strategies == nil {
		c.strategies = strategiesOf(c.replicas)
	}
	if !(c.seconds >= 0 && c.seconds <= math.MaxInt32) {
		return flags.Wrong("seconds", c.seconds, "want 0 or more")
	}
	if !(c.rate > 0 && c.rate <= maxRate) {
		return flags.Wrong("rate", c.rate, "want more than 0, at most 5000")
	}
	if c.seed == 0 {
		c.seed = rand.Uint64()
	}
	return nil
}

func (c *command) checkThrough() (err error) {
	switch {
	case c.through == "":
		return nil
	case c.through != "haproxy":
		return flags.Wrong("through", c.through, "want haproxy")
	case c.nacos != "" || c.nodes > 1:
		return flags.Wrong("through", c.through, "want neither -nacos nor -nodes with it: there is no registry")
	case c.replicas < 2:
		return flags.Wrong("replicas", c.replicas, "want 2 or 3 with -through")
	}
	if c.haproxy, err = haproxyBinary(); err != nil {
		return flags.Wrong("through", c.through, err.Error())
	}
	return nil
}

func (c *command) duration() time.Duration {
	return time.Duration(c.seconds * float64(time.Second))
}
