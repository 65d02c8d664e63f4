// SPDX-License-Identifier: Apache-2.0

package main

import (
	"flag"
	"math"
	"math/rand/v2"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/load"
)

// maxRate keeps the pool of calls that may be under way at once below a million.
const maxRate = 50_000

// command is the command line.
type command struct {
	load    load.Config
	seconds float64
	json    bool
}

func (c *command) flags() *flag.FlagSet {
	c.load.Kind = load.Resolver
	set := flag.NewFlagSet("client", flag.ContinueOnError)
	set.StringVar(&c.load.Nacos, "nacos", "", "`HOST:PORT` of a Nacos server's HTTP port")
	set.StringVar(&c.load.Service.Namespace, "namespace", "", "Nacos namespace `id`; empty: public")
	set.StringVar(&c.load.Service.Name, "service", "example", "call the service of this `name`")
	set.StringVar(&c.load.Service.Group, "group", "", "Nacos group `name`; empty: DEFAULT_GROUP")
	set.Float64Var(&c.load.Rate, "rate", 100, "`calls` a second")
	set.IntVar(&c.load.Streams, "streams", 8, "`number` of streams kept open with -mode stream")
	set.Float64Var(&c.seconds, "seconds", 10, "`time` for which new calls begin, in seconds; those under way are waited for")
	set.Var(&c.load.Kind, "mode", "resolver, health, pickfirst, perinstance, fresh or stream")
	set.Uint64Var(&c.load.Seed, "seed", 0, "`seed` of the calls' moments and of choices; 0: another one each time")
	set.BoolVar(&c.json, "json", false, "print JSON")
	return set
}

// check returns an error that names the first flag whose value cannot be used.
func (c *command) check() error {
	if err := flags.HostPort("nacos", c.load.Nacos, 1); err != nil {
		return err
	}
	if c.load.Service.Name == "" {
		return flags.Wrong("service", "", "a name is needed")
	}
	if !(c.load.Rate > 0 && c.load.Rate <= maxRate) {
		return flags.Wrong("rate", c.load.Rate, "want more than 0, at most 50000")
	}
	if c.load.Streams < 1 {
		return flags.Wrong("streams", c.load.Streams, "want 1 or more")
	}
	if !(c.seconds > 0 && c.seconds <= math.MaxInt32) {
		return flags.Wrong("seconds", c.seconds, "want more than 0")
	}
	if c.load.Seed == 0 {
		c.load.Seed = rand.Uint64()
	}
	return nil
}

func (c *command) duration() time.Duration {
	return time.Duration(c.seconds * float64(time.Second))
}
