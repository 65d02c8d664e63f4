// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"net/http"
	"testing"
)

// It begins nothing, and says what Shutdown would say.
func TestWaitsFor(t *testing.T) {
	first, further, other := &http.Server{}, &http.Server{}, &http.Server{}
	m := New(HTTPServer(first), WithServer(HTTPServer(further), fakeListener{}))
	for s, want := range map[*http.Server]bool{first: true, further: true, other: false} {
		if got := m.WaitsFor(context.WithValue(t.Context(), http.ServerContextKey, s)); got != want {
			t.Errorf("WaitsFor(a request to it) = %v, want %v", got, want)
		}
	}
	if m.WaitsFor(t.Context()) || m.Status().State != Starting {
		t.Errorf("WaitsFor(no request) = true, or state %v; want false and starting", m.Status().State)
	}
}
