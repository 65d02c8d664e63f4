// SPDX-License-Identifier: Apache-2.0

package testservice

import (
	"testing"
	"time"
)

func TestWorkSet(t *testing.T) {
	tests := []struct {
		text  string
		want  Work
		text2 string // what String returns; "" for the same
	}{
		{"0s", Work{}, ""},
		{"20ms", Work{20 * time.Millisecond, 20 * time.Millisecond}, ""},
		{"0-20ms", Work{0, 20 * time.Millisecond}, "0s-20ms"},
		{"5-20ms", Work{5 * time.Millisecond, 20 * time.Millisecond}, "5ms-20ms"},
		{"5ms-1.5s", Work{5 * time.Millisecond, 1500 * time.Millisecond}, ""},
	}
	for _, test := range tests {
		var got Work
		if err := got.Set(test.text); err != nil || got != test.want {
			t.Errorf("Set(%q) = %v and %v, want nil and %v", test.text, err, got, test.want)
		}
		want := test.text2
		if want == "" {
			want = test.text
		}
		if got.String() != want {
			t.Errorf("Set(%q), String() = %q, want %q", test.text, got.String(), want)
		}
		if again := (Work{}); again.Set(got.String()) != nil || again != test.want {
			t.Errorf("Set(%q) = %v, want %v", got.String(), again, test.want)
		}
	}
	for _, text := range []string{"", "-", "20", "20ms-5ms", "-5ms", "5ms-", "a-b", "1ms-2ms-3ms"} {
		var got Work
		if err := got.Set(text); err == nil || got != (Work{}) {
			t.Errorf("Set(%q) = %v and %v, want an error and no change", text, err, got)
		}
	}
}

func TestWorkDraw(t *testing.T) {
	work := Work{2 * time.Millisecond, 4 * time.Millisecond}
	low, high := work.Max, work.Min
	for range 1000 {
		d := work.draw()
		low, high = min(low, d), max(high, d)
	}
	if low < work.Min || high > work.Max || high-low < time.Millisecond {
		t.Errorf("draw() of %v went from %v to %v, want all of the range", work, low, high)
	}
}
