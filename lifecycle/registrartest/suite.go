// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// Test tests a lifecycle.Registrar: one subtest for each promise of its contract, all of them in parallel. A subtest is
// skipped where World lacks a lever that it needs, or the Registrar a method. It returns before its subtests have ended, as
// parallel subtests do.
func Test(t *testing.T, m Make) {
	t.Helper()
	m, err := m.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subtests() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if !m.Bubble {
				s.play(t, m)
				return
			}
			skipped := false
			synctest.Test(t, func(t *testing.T) {
				t.Cleanup(func() {
					lingering()
					skipped = t.Skipped()
				})
				s.play(t, m)
			})
			if skipped { // a bubble keeps that to itself (Go 1.26)
				t.SkipNow()
			}
		})
	}
}

// lingering lets what ends with time alone end: fake time stands still when a bubble's test has returned.
func lingering() { time.Sleep(time.Minute) }

// A subtest is one promise.
type subtest struct {
	name  string
	needs []string // levers of World and optional methods of the Registrar, by name
	run   func(*scene)
}

func subtests() []subtest {
	return slices.Concat(
		registerTests, deregisterTests, givenUpTests, watchTests, silenceTests, smallTests, othersTests, goneTests, publishedTests,
		closeTests, goroutineTests,
	)
}

func (s subtest) play(t testing.TB, m Make) {
	t.Helper()
	scene := newScene(t, m)
	for _, need := range s.needs {
		if missing := scene.lacks(need); missing != "" {
			t.Skip(missing)
		}
	}
	scene.open()
	s.run(scene)
}

// lacks says what is missing; empty: nothing.
func (s *scene) lacks(need string) string {
	if has, ok := methods[need]; ok {
		if !has(s.registrar) {
			return fmt.Sprintf("the Registrar has no method %s", need)
		}
		return ""
	}
	if reflect.ValueOf(s.World).FieldByName(need).IsNil() {
		return "World has no lever " + need
	}
	return ""
}
