// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"context"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
)

// The promise: Tracked minus Direct is at most twice BarePair of the same run, without an allocation.

func benchHandler(_ context.Context, req any) (any, error) { return req, nil }

// The time is for benchmarks to tell; the allocations are not.
func TestServingCallsAllocateNothing(t *testing.T) {
	tracker := &Tracker{Caller: func(context.Context) string { return "somebody" }}
	intercept, ctx := tracker.UnaryServerInterceptor(), t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = intercept(ctx, unaryInfo, unaryInfo, benchHandler) }); n != 0 {
		t.Errorf("%v allocations a call, want none", n)
	}
}

func BenchmarkBarePair(b *testing.B) {
	var word atomic.Uint64
	b.ReportAllocs()
	for b.Loop() {
		word.Add(1)
		word.Add(^uint64(0))
	}
}

func BenchmarkUnaryDirect(b *testing.B) {
	var handler grpc.UnaryHandler = benchHandler
	b.ReportAllocs()
	for b.Loop() {
		_, _ = handler(b.Context(), unaryInfo)
	}
}

func BenchmarkUnaryTracked(b *testing.B) {
	benchmarkUnary(b, &Tracker{}, unaryInfo)
}

func BenchmarkUnaryTrackedCaller(b *testing.B) {
	benchmarkUnary(b, &Tracker{Caller: func(context.Context) string { return "somebody" }}, unaryInfo)
}

// BenchmarkUnaryTrackedGrpcName has a method that only the longer comparisons tell from an exempt one.
func BenchmarkUnaryTrackedGrpcName(b *testing.B) {
	benchmarkUnary(b, &Tracker{}, &grpc.UnaryServerInfo{FullMethod: "/grpc.testing.TestService/UnaryCall"})
}

func BenchmarkUnaryLate(b *testing.B) {
	var tracker Tracker
	tracker.Drain()
	benchmarkUnary(b, &tracker, unaryInfo)
}

func BenchmarkUnaryAbandonable(b *testing.B) {
	benchmarkUnary(b, &Tracker{Abandonable: true}, unaryInfo)
}

func BenchmarkUnaryRefused(b *testing.B) {
	var tracker Tracker
	tracker.Refuse()
	benchmarkUnary(b, &tracker, unaryInfo)
}

func benchmarkUnary(b *testing.B, tracker *Tracker, info *grpc.UnaryServerInfo) {
	intercept, ctx := tracker.UnaryServerInterceptor(), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = intercept(ctx, info, info, benchHandler)
	}
}

func BenchmarkBarePairParallel(b *testing.B) {
	var word atomic.Uint64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			word.Add(1)
			word.Add(^uint64(0))
		}
	})
}

func BenchmarkUnaryTrackedParallel(b *testing.B) {
	var tracker Tracker
	intercept, ctx := tracker.UnaryServerInterceptor(), b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = intercept(ctx, unaryInfo, unaryInfo, benchHandler)
		}
	})
}
