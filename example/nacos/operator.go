// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"strings"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

const help = `offline ADDR    hide the instance from every list, as the console's "Offline" does
online ADDR     show it again
weight ADDR N   give it the weight N, from 0 to 10000
list            show what is registered
freeze          answer nothing and push nothing, as a process that is stopped
thaw            go on
restart         end every connection and forget what is registered; clients come back by themselves
help            show this
ADDR is IP:PORT as list shows it, in all services that have it.
`

// operator does what a person at the console of the registry would do.
type operator struct {
	registry *nacostest.Server
	out      io.Writer
}

// do carries out one command and prints what came of it.
func (o *operator) do(line string) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return
	}
	if err := o.command(words[0], words[1:]); err != nil {
		fmt.Fprintf(o.out, "%s: %v\n", words[0], err)
	}
}

func (o *operator) command(name string, args []string) error {
	commands := map[string]struct {
		args string
		run  func(args []string) error
	}{
		"offline": {"ADDR", func(args []string) error { return o.setEnabled(args[0], false) }},
		"online":  {"ADDR", func(args []string) error { return o.setEnabled(args[0], true) }},
		"weight":  {"ADDR N", func(args []string) error { return o.setWeight(args[0], args[1]) }},
		"list":    {"", func([]string) error { return o.list() }},
		"freeze":  {"", func([]string) error { o.registry.Freeze(); return o.say("frozen\n") }},
		"thaw":    {"", func([]string) error { o.registry.Thaw(); return o.say("thawed\n") }},
		"restart": {"", func([]string) error { return o.restart() }},
		"help":    {"", func([]string) error { return o.say(help) }},
	}
	c, ok := commands[name]
	switch {
	case !ok:
		return errors.New("no such command; help shows what there is")
	case len(args) != len(strings.Fields(c.args)):
		return fmt.Errorf("want %s", strings.TrimSpace(name+" "+c.args))
	}
	return c.run(args)
}

func (o *operator) say(format string, args ...any) error {
	_, err := fmt.Fprintf(o.out, format, args...)
	return err
}

func (o *operator) setEnabled(addr string, enabled bool) error {
	word := "offline"
	if enabled {
		word = "online"
	}
	return o.edit(addr, word, func(service string) { o.registry.SetEnabled(service, addr, enabled) })
}

// mostWeight is the limit of the official console.
const mostWeight = 10000

func (o *operator) setWeight(addr, text string) error {
	weight, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(weight) || weight < 0 || weight > mostWeight {
		return fmt.Errorf("weight %q is no number from 0 to %d", text, mostWeight)
	}
	return o.edit(addr, "weight "+text, func(service string) { o.registry.SetWeight(service, addr, weight) })
}

// edit changes an address in every service that has it.
func (o *operator) edit(addr, what string, change func(service string)) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("address %q: want IP:PORT, an IPv6 address in brackets", addr)
	}
	services := o.servicesOf(addr)
	if len(services) == 0 {
		return fmt.Errorf("no service has an instance %s; list shows what is registered", addr)
	}
	for _, service := range services {
		change(service)
		if err := o.say("%s %s: %s\n", service, addr, what); err != nil {
			return err
		}
	}
	return nil
}

func (o *operator) servicesOf(addr string) []string {
	var found []string
	for _, service := range o.registry.Services() {
		for _, i := range o.registry.Instances(service) {
			if i.Addr() == addr {
				found = append(found, service)
				break
			}
		}
	}
	return found
}

func (o *operator) restart() error {
	if err := o.registry.Restart(0); err != nil {
		return err
	}
	return o.say("restarted\n")
}
