// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// command is the command line.
type command struct {
	listen    string
	admin     string
	probes    string
	advertise string
	nacos     string
	namespace string
	service   string
	group     string
	policy    lifecycle.Policy
	budget    time.Duration
	settle    *time.Duration // nil: what the registry needs
	quiet     *time.Duration // nil: what the policy needs
	onOffline lifecycle.RegistryOffline
	work      testservice.Work
	report    string
}

func (c *command) flags() *flag.FlagSet {
	set := flag.NewFlagSet("server", flag.ContinueOnError)
	set.StringVar(&c.listen, "listen", "127.0.0.1:0", "serve on `HOST:PORT`; port 0 lets the system choose")
	set.StringVar(&c.admin, "admin", "", "serve probes, status and control on `HOST:PORT`; empty: nowhere")
	set.StringVar(&c.probes, "probes", "", "serve probes alone on `HOST:PORT`; empty: nowhere")
	set.StringVar(&c.advertise, "advertise", "", "register `IP:PORT`, IP or :PORT; what is missing comes from -listen and the outbound address")
	set.StringVar(&c.nacos, "nacos", "", "`HOST:PORT` of a Nacos server's HTTP port; empty: no registry")
	set.StringVar(&c.namespace, "namespace", "", "Nacos namespace `id`; empty: public")
	set.StringVar(&c.service, "service", "example", "register under this service `name`")
	set.StringVar(&c.group, "group", "", "Nacos group `name`; empty: DEFAULT_GROUP")
	set.TextVar(&c.policy, "policy", lifecycle.Lossless, "lossless or strict: what happens to calls that come while draining")
	set.DurationVar(&c.budget, "budget", lifecycle.DefaultBudget, "`time` from the trigger to the exit that all phases share")
	set.Func("settle", "`time` that other nodes and clients get after the confirmed absence (default: what the registry needs)", optional(&c.settle))
	set.Func("quiet", "`time` without a new call before GracefulStop (default: what the policy needs)", optional(&c.quiet))
	set.Func("on-offline", "park or exit: what an operator's offline does (default park)", c.setOnOffline)
	set.Var(&c.work, "work", "how long a call takes: a `time` or a range such as 0-20ms, random within it")
	set.StringVar(&c.report, "report", "", "write the report of the offline to this `file` as JSON")
	return set
}

func optional(value **time.Duration) func(string) error {
	return func(s string) error {
		d, err := time.ParseDuration(s)
		*value = &d
		return err
	}
}

func (c *command) setOnOffline(s string) error {
	switch s {
	case "park":
		c.onOffline = lifecycle.Park
	case "exit":
		c.onOffline = lifecycle.Exit
	default:
		return errors.New("want park or exit")
	}
	return nil
}

// check returns an error that names the first flag whose value cannot be used.
func (c *command) check() error {
	if err := flags.Listen("listen", c.listen); err != nil {
		return err
	}
	for _, one := range []struct{ name, addr string }{{"admin", c.admin}, {"probes", c.probes}} {
		if one.addr == "" {
			continue
		}
		if err := flags.Listen(one.name, one.addr); err != nil {
			return err
		}
	}
	if err := flags.Advertise("advertise", c.advertise); err != nil {
		return err
	}
	if c.nacos != "" {
		if err := flags.HostPort("nacos", c.nacos, 1); err != nil {
			return err
		}
		if c.service == "" {
			return flags.Wrong("service", c.service, "a name is needed with -nacos")
		}
	}
	if c.budget <= 0 {
		return flags.Wrong("budget", c.budget, "want more than 0")
	}
	if c.quiet != nil && *c.quiet < 0 {
		return flags.Wrong("quiet", *c.quiet, "want 0 or more")
	}
	if err := c.checkSettle(); err != nil {
		return err
	}
	return c.checkReport()
}

func (c *command) checkSettle() error {
	switch {
	case c.settle == nil:
		return nil
	case *c.settle < 0:
		return flags.Wrong("settle", *c.settle, "want 0 or more")
	case c.policy == lifecycle.Lossless && *c.settle > c.budget/2:
		return flags.Wrong("settle", *c.settle, "it is more than half of -budget "+c.budget.String())
	}
	return nil
}

func (c *command) checkReport() error {
	if c.report == "" {
		return nil
	}
	if dir, err := os.Stat(filepath.Dir(c.report)); err != nil || !dir.IsDir() {
		return flags.Wrong("report", c.report, "its directory does not exist")
	}
	if file, err := os.Stat(c.report); err == nil && file.IsDir() {
		return flags.Wrong("report", c.report, "it is a directory")
	}
	return nil
}

// options are the options of the lifecycle that flags were given for.
func (c *command) options() []lifecycle.Option {
	options := []lifecycle.Option{
		lifecycle.WithPolicy(c.policy),
		lifecycle.WithBudget(c.budget),
		lifecycle.WithRegistryOffline(c.onOffline),
	}
	if c.settle != nil {
		options = append(options, lifecycle.WithSettle(*c.settle))
	}
	if c.quiet != nil {
		options = append(options, lifecycle.WithQuiet(*c.quiet))
	}
	return options
}
