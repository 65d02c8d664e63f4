// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"
)

// parameters are those of all queries.
type parameters struct {
	wait    time.Duration  // zero: none
	budget  *time.Duration // nil: not given
	gone404 bool           // 404 in the place of 503
	last    bool           // drain the last instance, too
}

// parse reads a query. An error names the parameter.
func parse(query string, known []string) (parameters, error) {
	var p parameters
	values, err := url.ParseQuery(query)
	if err != nil {
		return p, fmt.Errorf("the query cannot be read: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) { // so that the error is always the same
		switch {
		case !slices.Contains(known, name):
			return p, fmt.Errorf("parameter %.50q is not known here", name)
		case len(values[name]) > 1:
			return p, fmt.Errorf("parameter %s is given %d times", name, len(values[name]))
		}
		if err := p.set(name, values[name][0]); err != nil {
			return p, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return p, nil
}

func (p *parameters) set(name, value string) (err error) {
	switch name {
	case "wait":
		p.wait, err = duration(value)
	case "budget":
		var d time.Duration
		d, err = duration(value)
		p.budget = &d
	case "last":
		if p.last = value == "true"; !p.last {
			return fmt.Errorf("%.50q is not true", value)
		}
	case "gone":
		if p.gone404 = value == "404"; !p.gone404 {
			return fmt.Errorf("%.50q is not 404", value)
		}
	}
	return err
}

func duration(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%.50q is no duration, as 30s or 1m30s", value)
	case d < 0:
		return 0, fmt.Errorf("%.50q is negative", value)
	}
	return d, nil
}
