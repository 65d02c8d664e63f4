// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const envPrefix = "LAMEDUCK_NACOS_"

// ConfigFromEnv takes a Config from the environment: LAMEDUCK_NACOS_SERVERS ("host:port", several separated by commas),
// LAMEDUCK_NACOS_NAMESPACE, LAMEDUCK_NACOS_USERNAME, LAMEDUCK_NACOS_PASSWORD, LAMEDUCK_NACOS_TIMEOUT (a duration, as
// "3s"); LAMEDUCK_NACOS_TLS ("true"), LAMEDUCK_NACOS_CA_FILE, LAMEDUCK_NACOS_CERT_FILE and LAMEDUCK_NACOS_KEY_FILE, each
// of which switches TLS on. A variable that is not set, or empty, leaves its field zero.
//
// The error names every variable that cannot be read, and any other that begins with LAMEDUCK_NACOS_: one that is
// misspelled would leave a login or TLS out. Whether the values are good is for New to say.
func ConfigFromEnv() (Config, error) { return configFrom(os.Environ()) }

func configFrom(environ []string) (Config, error) {
	var c Config
	var t TLS
	var tls bool
	fields := map[string]func(string) error{
		"SERVERS":   func(v string) error { c.Servers = splitList(v); return nil },
		"NAMESPACE": into(&c.Namespace),
		"USERNAME":  into(&c.Username),
		"PASSWORD":  into(&c.Password),
		"TIMEOUT": func(v string) (err error) {
			if c.Timeout, err = time.ParseDuration(v); err != nil {
				return fmt.Errorf("%q is no duration, as 3s", v)
			}
			return nil
		},
		"TLS": func(v string) (err error) {
			if tls, err = strconv.ParseBool(v); err != nil {
				return fmt.Errorf("%q is neither true nor false", v)
			}
			return nil
		},
		"CA_FILE":   into(&t.CAFile),
		"CERT_FILE": into(&t.CertFile),
		"KEY_FILE":  into(&t.KeyFile),
	}
	var errs []error
	slices.Sort(environ) // so that the errors have an order
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		short, ours := strings.CutPrefix(name, envPrefix)
		if !ours || value == "" {
			continue
		}
		set, known := fields[short]
		if !known {
			errs = append(errs, fmt.Errorf("nacos: ConfigFromEnv: %s: no such variable", name))
		} else if err := set(value); err != nil {
			errs = append(errs, fmt.Errorf("nacos: ConfigFromEnv: %s: %w", name, err))
		}
	}
	if tls || t != (TLS{}) {
		c.TLS = &t
	}
	return c, errors.Join(errs...)
}

func into(field *string) func(string) error {
	return func(v string) error { *field = v; return nil }
}

func splitList(v string) []string {
	var out []string
	for item := range strings.SplitSeq(v, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}
