// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"math"
	"math/rand/v2"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
)

// maxRate is more than two cores can do six times over.
const maxRate = 5000

// command is the command line.
type command struct {
	nacos      string
	strategies []Strategy
	seconds    float64
	rate       float64
	seed       uint64
	json       bool
}

func (c *command) flags() *flag.FlagSet {
	c.strategies = strategies
	set := flag.NewFlagSet("rolling", flag.ContinueOnError)
	set.StringVar(&c.nacos, "nacos", "", "`HOST:PORT` of a Nacos server's HTTP port; empty: an embedded server")
	set.Func("strategies", "`list` of the ways to go offline, with commas (default "+joinStrategies(strategies)+")", func(s string) (err error) {
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

func (c *command) duration() time.Duration {
	return time.Duration(c.seconds * float64(time.Second))
}
