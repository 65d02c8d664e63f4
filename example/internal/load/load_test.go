// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// fakeClient answers every call with answer.
type fakeClient struct {
	answer func(ctx context.Context) error
}

func (f fakeClient) call(ctx context.Context) error { return f.answer(ctx) }
func (fakeClient) Close() error                     { return nil }

func runFake(t *testing.T, rate float64, d time.Duration, answer func(context.Context) error) Counts {
	t.Helper()
	l := &Load{cfg: Config{Rate: rate, Seed: 7}, client: fakeClient{answer}}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	l.Run(ctx)
	return l.Counts()
}

func TestRunCountsEveryCallOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		got := runFake(t, 100, 10*time.Second, func(context.Context) error {
			calls++ // one at a time: nothing in it blocks, and the calls are spread over time
			if calls%4 == 0 {
				return status.Error(codes.Unavailable, "gone")
			}
			return nil
		})
		want := Counts{
			Calls: uint64(calls), Failed: uint64(calls / 4),
			Codes:   map[string]uint64{"OK": uint64(calls - calls/4), "UNAVAILABLE": uint64(calls / 4)},
			Samples: got.Samples,
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("Counts() = %+v, want %+v", got, want)
		}
		if len(got.Samples) != samples || !strings.Contains(got.Samples[0], "gone") {
			t.Errorf("Counts().Samples = %q, want %d with the text of the error", got.Samples, samples)
		}
	})
}

func TestRunWaitsForCallsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		got := runFake(t, 10, time.Second, func(ctx context.Context) error {
			select {
			case <-time.After(5 * time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if got.Calls == 0 || got.Failed > 0 {
			t.Errorf("Run() counted %d calls, %d failed, want some and none", got.Calls, got.Failed)
		}
		if took := time.Since(began); took < 5*time.Second {
			t.Errorf("Run() returned after %v, want it to wait for calls of 5 s", took)
		}
	})
}

func TestRunCountsWhatCannotBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A client that ignores its deadline holds the pool for good.
		release := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(release) })
		got := runFake(t, 10, 20*time.Second, func(context.Context) error { <-release; return nil })
		if got.Codes[notBegun] == 0 || got.Failed != got.Codes[notBegun] || got.Calls != got.Failed+got.Codes["OK"] {
			t.Errorf("Counts() = %+v, want those that could not begin among the failed", got)
		}
		if got.Codes["OK"] != 101 {
			t.Errorf("Counts().Codes[OK] = %d, want 101, the size of the pool", got.Codes["OK"])
		}
	})
}

func TestCallsHaveADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := runFake(t, 10, time.Second, func(ctx context.Context) error {
			<-ctx.Done()
			return status.FromContextError(ctx.Err()).Err()
		})
		if got.Calls == 0 || got.Codes["DEADLINE_EXCEEDED"] != got.Calls || got.Failed != got.Calls {
			t.Errorf("Counts() = %+v, want all failed with DEADLINE_EXCEEDED", got)
		}
	})
}

func TestStreamEnds(t *testing.T) {
	tests := []struct {
		name string
		end  error
		cut  uint64
		code string
	}{
		{"told", nil, 0, "OK"},
		{"transport", status.Error(codes.Unavailable, "EOF"), 1, "UNAVAILABLE"},
		{"ended early", status.Error(codes.Unavailable, "going offline"), 1, "UNAVAILABLE"},
		{"no status", errors.New("odd"), 1, "UNKNOWN"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c counter
			c.streamOpened()
			c.streamEnded(test.end)
			got := c.counts()
			if got.Streams != 1 || got.StreamsCut != test.cut || got.Codes[test.code] != 1 || got.Calls != 0 {
				t.Errorf("streamEnded(%v): %+v, want 1 stream, %d cut, one %s, no call", test.end, got, test.cut, test.code)
			}
		})
	}
}

func TestAdd(t *testing.T) {
	a := Counts{Calls: 4, Failed: 1, Codes: map[string]uint64{"OK": 3, "UNKNOWN": 1}, Streams: 2, StreamsCut: 1}
	b := Counts{Calls: 2, Codes: map[string]uint64{"OK": 2}, Streams: 1}
	got := a.Add(b)
	want := Counts{Calls: 6, Failed: 1, Codes: map[string]uint64{"OK": 5, "UNKNOWN": 1}, Streams: 3, StreamsCut: 1}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Add() = %+v, want %+v", got, want)
	}
	if a.Codes["OK"] != 3 {
		t.Errorf("Add() changed its receiver: OK = %d, want 3", a.Codes["OK"])
	}
}

func TestPerMillion(t *testing.T) {
	if got := (Counts{}).PerMillion(); got != 0 {
		t.Errorf("PerMillion() of no calls = %v, want 0", got)
	}
	if got := (Counts{Calls: 2000, Failed: 3}).PerMillion(); got != 1500 {
		t.Errorf("PerMillion() of 3 in 2000 = %v, want 1500", got)
	}
}

func TestKindSet(t *testing.T) {
	for _, kind := range Kinds() {
		var got Kind
		if err := got.Set(string(kind)); err != nil || got != kind {
			t.Errorf("Set(%q) = %v and %q, want nil and the same", kind, err, got)
		}
	}
	var k Kind
	if err := k.Set("roundrobin"); err == nil || k != "" {
		t.Errorf("Set(roundrobin) = %v and %q, want an error and no change", err, k)
	}
}
