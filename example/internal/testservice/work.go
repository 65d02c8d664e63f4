// SPDX-License-Identifier: Apache-2.0

package testservice

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Work is how long a unary handler takes: a random time from Min to Max, evenly spread.
// The zero value means no time at all. *Work is a [flag.Value].
type Work struct {
	Min, Max time.Duration
}

// Set reads "20ms" (always that long), "5ms-20ms", or "5-20ms" (both in milliseconds).
func (w *Work) Set(s string) error {
	low, high, ranged := strings.Cut(s, "-")
	if !ranged {
		high = low
	}
	longest, err := time.ParseDuration(high)
	if err != nil {
		return err
	}
	shortest, err := time.ParseDuration(low)
	if err != nil {
		unit := strings.TrimLeft(high, "0123456789.")
		if shortest, err = time.ParseDuration(low + unit); err != nil {
			return err
		}
	}
	if shortest < 0 || longest < shortest {
		return errors.New("want a duration or a range of durations such as 0-20ms")
	}
	w.Min, w.Max = shortest, longest
	return nil
}

// String returns the form that Set reads.
func (w *Work) String() string {
	if w == nil || w.Min == w.Max {
		return w.max().String()
	}
	return fmt.Sprintf("%v-%v", w.Min, w.Max)
}

func (w *Work) max() time.Duration {
	if w == nil {
		return 0
	}
	return w.Max
}

func (w Work) draw() time.Duration {
	return w.Min + rand.N(w.Max-w.Min+1)
}
