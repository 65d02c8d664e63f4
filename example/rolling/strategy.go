// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Strategy is a way of going offline on SIGTERM.
type Strategy string

const (
	Stop          Strategy = "stop"           // Stop at once
	DeregGraceful Strategy = "dereg-graceful" // deregister, then GracefulStop at once; what Kratos does
	Sleep         Strategy = "sleep"          // deregister, sleep, then GracefulStop; what Spring Cloud Alibaba does
	Strict        Strategy = "strict"         // lameduck with the Strict policy
	Lossless      Strategy = "lossless"       // lameduck as it comes
	Recreate      Strategy = "recreate"       // the same with one replica that is ended before the next one is started
)

const (
	// sleepTime is the default of Spring Cloud Alibaba 2023.0.3.3 and later.
	sleepTime = 10 * time.Second
	// stopLimit ends a GracefulStop of the strategies without lameduck: the long streams of the load would hold it
	// for ever.
	stopLimit = 3 * time.Second
	// oneNodeSettle is the settle time of the strategies with lameduck on the embedded registry, which is one node.
	oneNodeSettle = 500 * time.Millisecond
	// successorWait is how long the strategies with lameduck wait for somebody where nobody else is listed.
	successorWait = 5 * time.Second
)

// strategies are all of them, in the order of the table.
var strategies = []Strategy{Stop, DeregGraceful, Sleep, Strict, Lossless, Recreate}

// strategiesOf are those that make sense with so many replicas: only one that is alone leaves nobody behind.
func strategiesOf(replicas int) []Strategy {
	if replicas == 1 {
		return strategies
	}
	return slices.DeleteFunc(slices.Clone(strategies), func(s Strategy) bool { return s == Recreate })
}

// index is the place of s in the table.
func (s Strategy) index() int { return slices.Index(strategies, s) }

// parseStrategies reads a list with commas and puts it in the order of the table.
func parseStrategies(s string) ([]Strategy, error) {
	var chosen []Strategy
	for name := range strings.SplitSeq(s, ",") {
		strategy := Strategy(strings.TrimSpace(name))
		if !slices.Contains(strategies, strategy) {
			return nil, fmt.Errorf("%q is not one of %s", name, joinStrategies(strategies))
		}
		chosen = append(chosen, strategy)
	}
	slices.SortFunc(chosen, func(a, b Strategy) int { return a.index() - b.index() })
	return slices.Compact(chosen), nil
}

func joinStrategies(list []Strategy) string {
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

// lanes are the strategies that run one after another while the other lanes run beside them. Sleep and Recreate do
// nothing for most of their time, so they have a lane of their own; two strategies at once leave the machine room
// enough for the figures to be those of the strategies.
func lanes(chosen []Strategy) [][]Strategy {
	var busy, idle []Strategy
	for _, s := range chosen {
		if s == Sleep || s == Recreate {
			idle = append(idle, s)
		} else {
			busy = append(busy, s)
		}
	}
	return slices.DeleteFunc([][]Strategy{idle, busy}, func(lane []Strategy) bool { return len(lane) == 0 })
}
