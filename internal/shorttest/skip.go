// SPDX-License-Identifier: Apache-2.0

// Package shorttest keeps `go test -short ./...` below 20 seconds.
package shorttest

import (
	"flag"
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
