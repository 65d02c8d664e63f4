// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestQueueKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q Queue
		<-q.Done() // nothing was added
		var called []int
		for n := range 3 {
			q.Add(func() {
				time.Sleep(time.Second)
				called = append(called, n)
				if n == 0 {
					q.Add(func() { called = append(called, 3) }) // by a function that is called
				}
			})
		}
		<-q.Done()
		if want := []int{0, 1, 2, 3}; !slices.Equal(called, want) {
			t.Errorf("called %v, want %v", called, want)
		}
		q.Add(func() { called = nil }) // its goroutine has ended in the meantime
		<-q.Done()
		if called != nil {
			t.Errorf("called %v, want the last one too", called)
		}
	})
}

// One at a time, whoever adds.
func TestQueueIsSerial(t *testing.T) {
	var q Queue
	var callers sync.WaitGroup
	count := 0 // without a lock
	for range 50 {
		callers.Go(func() { q.Add(func() { count++ }) })
	}
	callers.Wait()
	<-q.Done()
	if count != 50 {
		t.Errorf("%d functions were called, want 50", count)
	}
}
