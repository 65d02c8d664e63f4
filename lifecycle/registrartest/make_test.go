// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

func TestMisuseNamesTheField(t *testing.T) {
	t.Parallel()
	_, err := Make{Stay: -1, Lag: -time.Second}.withDefaults()
	for _, field := range []string{"Make.World", "Make.Stay", "Make.Lag"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("withDefaults() = %v, want an error that names %s", err, field)
		}
	}
	_, err = World{}.withDefaults()
	for _, field := range []string{"World.New", "World.Listed"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("withDefaults() = %v, want an error that names %s", err, field)
		}
	}
}

func TestMissingIsNamed(t *testing.T) {
	t.Parallel()
	s := &scene{registrar: struct{ lifecycle.Registrar }{}}
	if got, want := s.lacks("Offline"), "World has no lever Offline"; got != want {
		t.Errorf("lacks = %q, want %q", got, want)
	}
	if got, want := s.lacks("Gone"), "the Registrar has no method Gone"; got != want {
		t.Errorf("lacks = %q, want %q", got, want)
	}
}

// A method of another type is one that lifecycle does not find, without a word.
func TestMethodOfAnotherType(t *testing.T) {
	t.Parallel()
	r := &recorder{TB: t}
	for _, s := range smallTests {
		if strings.HasPrefix(s.name, "Optional methods") {
			s.run(&scene{TB: r, registrar: watchesWithoutContext{}})
		}
	}
	if len(r.failures) != 1 || !strings.Contains(r.failures[0], "Watch") {
		t.Errorf("failures %q, want one that names Watch", r.failures)
	}
}

type watchesWithoutContext struct{ lifecycle.Registrar }

func (watchesWithoutContext) Watch(func(bool)) error { return nil }
