// SPDX-License-Identifier: Apache-2.0

package interceptor

import "net/http"

// Handler counts the requests of an HTTP server that stops together with the gRPC server, for example a gateway: they
// are admitted, late, in flight as unary calls are, and so they hold off quiet. While the shutdown flag is set they get
// 503 Service Unavailable with Retry-After: 0 and Connection: close. Exempt is not asked; leave probes outside. They
// cannot be answered in the place of their handler.
//
// While the instance drains, answers over HTTP/1 say Connection: close, or a client that keeps its connection might use
// it in the moment in which the server closes it, and HTTP/1 has nothing that tells such a request from one that was
// lost. A connection that is used for the first time after a whole drain may still meet that moment. HTTP/2 has GOAWAY.
//
// gRPC through ServeHTTP needs no Handler: its interceptors count.
//
// A WebSocket, or another connection that is hijacked, is a request in flight for as long as its handler runs. Leave
// its route outside, or it holds the stop until the stream deadline; Draining tells it when to end.
func (t *Tracker) Handler(next http.Handler) http.Handler {
	t.attached.Store(true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		bits := t.word.enter()
		if bits&refusing != 0 {
			t.word.backOut()
			t.refused.Add(1)
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "0")
			http.Error(w, "shutting down", http.StatusServiceUnavailable)
			return
		}
		defer t.word.leave()
		if bits&draining != 0 {
			t.mu.Lock()
			t.late++
			t.mu.Unlock()
			t.callers.note(t.requestOf(r))
			if r.ProtoMajor == 1 {
				w.Header().Set("Connection", "close")
			}
		}
		next.ServeHTTP(w, r)
	})
}
