// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"net/http"
	"testing"

	"google.golang.org/grpc"
)

func TestAttached(t *testing.T) {
	for name, attach := range map[string]func(*Tracker){
		"unary":  func(t *Tracker) { t.UnaryServerInterceptor() },
		"stream": func(t *Tracker) { t.StreamServerInterceptor() },
		"HTTP":   func(t *Tracker) { t.Handler(http.NotFoundHandler()) },
	} {
		var tracker Tracker
		if tracker.Attached() {
			t.Errorf("%s: Attached() = true before", name)
		}
		if attach(&tracker); !tracker.Attached() {
			t.Errorf("%s: Attached() = false after", name)
		}
	}
}

// Streams, late calls and those that can be abandoned are told by their context; other unary calls cannot be.
func TestHandles(t *testing.T) {
	var other Tracker
	for _, test := range []struct {
		name    string
		tracker *Tracker
		late    bool
		want    bool
	}{
		{"a unary call", &Tracker{}, false, false},
		{"late", &Tracker{}, true, true},
		{"abandonable", &Tracker{Abandonable: true}, false, true},
	} {
		if test.late {
			test.tracker.Drain()
		}
		_, err := test.tracker.UnaryServerInterceptor()(t.Context(), nil, &grpc.UnaryServerInfo{FullMethod: "/a/b"}, func(ctx context.Context, _ any) (any, error) {
			if got := test.tracker.Handles(ctx); got != test.want || other.Handles(ctx) {
				t.Errorf("%s: Handles() = %t, of another Tracker %t; want %t, false", test.name, got, other.Handles(ctx), test.want)
			}
			if Draining(ctx) != nil {
				t.Errorf("%s: Draining(ctx) is not nil", test.name)
			}
			return nil, nil
		})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	var tracker Tracker
	for _, method := range []string{"/a/b", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"} {
		err := tracker.StreamServerInterceptor()(nil, &fakeStream{ctx: t.Context()}, &grpc.StreamServerInfo{FullMethod: method}, func(_ any, ss grpc.ServerStream) error {
			if !tracker.Handles(ss.Context()) || other.Handles(ss.Context()) {
				t.Errorf("%s: Handles() = %t, of another Tracker %t; want true, false", method, tracker.Handles(ss.Context()), other.Handles(ss.Context()))
			}
			if Draining(ss.Context()) == nil {
				t.Errorf("%s: Draining(ctx) is nil", method)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", method, err)
		}
	}
	if tracker.Handles(t.Context()) {
		t.Error("Handles() of another context = true")
	}
}

// A long poll that asks the Tracker pays with no allocation.
func TestDrainingOfTheTrackerAllocatesNothing(t *testing.T) {
	var tracker Tracker
	tracker.Draining()
	if n := testing.AllocsPerRun(100, func() { tracker.Draining() }); n != 0 {
		t.Errorf("Draining() makes %v allocations, want none", n)
	}
}
