// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

const envPrefix = "LAMEDUCK_"

// FromEnv takes options from the environment, so that a deployment can change them: LAMEDUCK_BUDGET, LAMEDUCK_SETTLE,
// LAMEDUCK_QUIET, LAMEDUCK_STREAM_GRACE and LAMEDUCK_SUCCESSOR (durations, as "25s"), LAMEDUCK_POLICY ("lossless" or
// "strict"), LAMEDUCK_ON_OFFLINE ("park" or "exit"). A variable that is not set, or empty, changes nothing. Given last,
// the environment wins over the program.
//
// A value that cannot be read is an error of Run and Start that names the variable. Another variable that begins with
// LAMEDUCK_ is a warning: it may be a typing error. Those of package nacos, LAMEDUCK_NACOS_, are left to it.
func FromEnv() Option { return func(c *config) { c.fromEnv(os.Environ()) } }

func (c *config) fromEnv(environ []string) {
	options := map[string]func(string) error{
		"BUDGET":       duration(c, WithBudget),
		"SETTLE":       duration(c, WithSettle),
		"QUIET":        duration(c, WithQuiet),
		"STREAM_GRACE": duration(c, WithStreamGrace),
		"SUCCESSOR":    duration(c, WithSuccessor),
		"POLICY":       text(&c.policy),
		"ON_OFFLINE":   text(&c.registryOffline),
	}
	slices.Sort(environ) // so that the errors have an order
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		if !ours || value == "" || strings.HasPrefix(short, "NACOS_") {
			continue
		}
		set, known := options[short]
		if !known {
			c.unknownEnv = append(c.unknownEnv, name)
			continue
		}
		if err := set(strings.TrimSpace(value)); err != nil {
			c.envErr = errors.Join(c.envErr, fmt.Errorf("lifecycle: FromEnv: %s: %w", name, err))
		}
	}
}

func duration(c *config, option func(time.Duration) Option) func(string) error {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		switch {
		case err != nil:
			return fmt.Errorf("%q is no duration, as 25s or 1m30s", value)
		case d < 0:
			return fmt.Errorf("%q is negative", value)
		}
		option(d)(c)
		return nil
	}
}

func text(into encoding.TextUnmarshaler) func(string) error {
	return func(value string) error { return into.UnmarshalText([]byte(value)) }
}
