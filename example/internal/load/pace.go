// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"math/rand/v2"
	"time"
)

// pace calls begin at rate moments a second, at random (exponential) distances, until ctx ends. The
// moments are fixed by the clock alone: when the machine was late, what is due begins at once, so that
// a slow spell of the service is not left out of the count.
func pace(ctx context.Context, rate float64, random *rand.Rand, begin func()) {
	distance := func() time.Duration {
		return time.Duration(random.ExpFloat64() / rate * float64(time.Second))
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for due := time.Now().Add(distance()); ; due = due.Add(distance()) {
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		} else if ctx.Err() != nil {
			return
		}
		begin()
	}
}
