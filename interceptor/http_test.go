// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

func TestHandlerCountsAndRefuses(t *testing.T) {
	var tracker Tracker
	inside := 0
	handler := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside, _ = tracker.InFlight()
		if r.URL.Path == "/panic" {
			panic(http.ErrAbortHandler)
		}
	}))
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }()
			handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		}()
		return w
	}
	if got := get("/").Code; got != http.StatusOK || inside != 1 {
		t.Errorf("status = %d with %d in flight, want 200 with 1", got, inside)
	}
	get("/panic")
	if unary, _ := tracker.InFlight(); unary != 0 || tracker.Admitted() != 2 {
		t.Errorf("%d in flight, %d admitted, want 0 and 2: a panic counts out", unary, tracker.Admitted())
	}
	tracker.Refuse()
	w := get("/")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "0" || w.Header().Get("Connection") != "close" {
		t.Errorf("status = %d with %v, want 503 with Retry-After and Connection: close", w.Code, w.Header())
	}
	if tracker.Refused() != 1 || tracker.Admitted() != 2 {
		t.Errorf("Refused() = %d, Admitted() = %d, want 1 and 2", tracker.Refused(), tracker.Admitted())
	}
}

// A connection that is kept while the instance drains would be closed under a request.
func TestHandlerMovesKeptConnections(t *testing.T) {
	var tracker Tracker
	handler := tracker.Handler(http.NotFoundHandler())
	for _, tt := range []struct {
		state string
		enter func()
		major int
		want  string
	}{
		{"serving", func() {}, 1, ""},
		{"draining", tracker.Drain, 1, "close"},
		{"draining", tracker.Drain, 2, ""}, // net/http would say GOAWAY: the client would come back at once
		{"serving again", tracker.Resume, 1, ""},
	} {
		tt.enter()
		r, w := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRecorder()
		r.ProtoMajor = tt.major
		handler.ServeHTTP(w, r)
		if got := w.Header().Get("Connection"); got != tt.want {
			t.Errorf("%s, HTTP/%d: Connection = %q, want %q", tt.state, tt.major, got, tt.want)
		}
	}
	if got := tracker.Late(); got != 2 {
		t.Errorf("Late() = %d, want 2", got)
	}
}

// Requests come side by side, while the instance drains too.
func TestHandlerCountsSideBySide(t *testing.T) {
	var tracker Tracker
	tracker.Drain()
	handler := tracker.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	const callers, calls = 8, 500
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range calls {
				handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
			}
		})
	}
	group.Wait()
	wantInFlight(t, &tracker, 0, 0)
	wantCounts(t, &tracker, callers*calls, callers*calls, 0)
}
