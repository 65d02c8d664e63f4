// SPDX-License-Identifier: Apache-2.0

package interceptor

import (
	"net/http"
	"net/http/httptest"
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
	tracker.Drain()
	get("/")
	if got := tracker.Late(); got != 1 {
		t.Errorf("Late() = %d, want 1", got)
	}
	tracker.Refuse()
	w := get("/")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "0" || w.Header().Get("Connection") != "close" {
		t.Errorf("status = %d with %v, want 503 with Retry-After and Connection: close", w.Code, w.Header())
	}
	if tracker.Refused() != 1 || tracker.Admitted() != 3 {
		t.Errorf("Refused() = %d, Admitted() = %d, want 1 and 3", tracker.Refused(), tracker.Admitted())
	}
}
