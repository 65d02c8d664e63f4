// SPDX-License-Identifier: Apache-2.0

// Package testrun is for TestMain: short runs, and how many tests run side by side.
package testrun

import (
	"flag"
	"strconv"
	"strings"
	"testing"
)

// Skip leaves out, in a short run, the named tests and examples: those that wait in real time for half a second and
// more. TestMain calls it before m.Run. A -skip of the command line wins.
func Skip(names ...string) {
	flag.Parse()
	if !testing.Short() {
		return
	}
	if skip := flag.Lookup("test.skip"); skip != nil && skip.Value.String() == "" {
		_ = skip.Value.Set("^(" + strings.Join(names, "|") + ")$")
	}
}

// Beside lets n tests run side by side, more than there are processors, unless -parallel says how many: for those that
// mostly wait for sockets and for a registry's delays. TestMain calls it before m.Run.
func Beside(n int) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", strconv.Itoa(n))
	}
}
