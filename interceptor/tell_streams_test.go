// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"testing"
	"testing/synctest"
)

func TestTellStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tracker Tracker
		told := make(chan (<-chan struct{}), 1)
		_, lis := serve(t, &tracker, &backend{duplex: func(s duplexStream) error {
			told <- Draining(s.Context())
			return receiving(s)
		}})
		client := dial(t, plain, lis)
		want := func(what string, ch <-chan struct{}, want bool) {
			t.Helper()
			if got := isClosed(ch); got != want {
				t.Errorf("%s: told = %v, want %v", what, got, want)
			}
		}
		elsewhere := tracker.Draining()
		open(t, client)
		first := <-told
		tracker.Drain()
		want("before TellStreams", first, false)
		tracker.TellStreams()
		tracker.TellStreams()
		want("the stream from before", first, true)
		want("everybody else", elsewhere, true)
		open(t, client)
		want("a stream that begins later", <-told, true)
		want("who asks later", tracker.Draining(), true)

		tracker.Resume()
		want("the stream from before, after Resume", first, true)
		open(t, client)
		second := <-told
		want("a stream after Resume", second, false)
		fresh := tracker.Draining()
		want("who asks after Resume", fresh, false)

		tracker.Drain()
		tracker.TellStreams()
		want("a stream at the second TellStreams", second, true)
		want("who asked after Resume", fresh, true)
		wantCounts(t, &tracker, 3, 1, 0)
		tracker.EndStreams(-1)
	})
}

func TestResumeWithoutTellStreamsKeepsTheChannel(t *testing.T) {
	var tracker Tracker
	ch := tracker.Draining()
	tracker.Drain()
	tracker.Resume()
	tracker.TellStreams()
	if !isClosed(ch) {
		t.Error("TellStreams() after Resume() missed the one who asked before, who was never told")
	}
}
