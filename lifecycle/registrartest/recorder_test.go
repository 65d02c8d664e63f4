// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// A recorder takes a subtest's failures for itself.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *recorder) Error(args ...any) { r.Errorf("%s", fmt.Sprint(args...)) }

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Skip(args ...any) { runtime.Goexit() }

func (r *recorder) Skipf(string, ...any) { runtime.Goexit() }

// failuresOf plays a subtest with a Registrar that has a mistake.
func failuresOf(t *testing.T, s subtest, spoil func(*mistaken)) (failures []string) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		m, err := Make{World: func(t testing.TB) World { return newModelWorld(t, spoil) }}.withDefaults()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { // the last one: a Close that hangs is a failure, too
			lingering()
			failures = r.failures
		})
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.play(r, m)
		}()
		<-done
	})
	return failures
}
