// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// maxBody is how much of a body is read, to be ignored.
const maxBody = 64 << 10

// An endpoint is what is behind one path.
type endpoint struct {
	method     string   // GET allows HEAD, too
	parameters []string // of the query
	anyQuery   bool     // the query is not looked at
	anybody    bool     // authorize is not asked
	// serve returns the status code and what is written as JSON.
	serve func(r *http.Request, p parameters) (code int, body any)
}

// A failure is an answer that is no more than an error.
type failure struct {
	Error string `json:"error"`
}

// ServeHTTP asks who it is before it looks at anything else: who may not learns nothing.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e, known := h.endpoints[r.URL.Path]
	if !known {
		write(w, http.StatusNotFound, failure{fmt.Sprintf("there is nothing at %.100q", r.URL.Path)})
		return
	}
	if h.manager == nil {
		write(w, http.StatusInternalServerError, failure{"admin: the Manager is nil"})
		return
	}
	if !e.anybody {
		if err := h.authorize(r); err != nil {
			write(w, http.StatusForbidden, failure{err.Error()})
			return
		}
	}
	if !e.allows(r.Method) {
		w.Header().Set("Allow", e.allow())
		write(w, http.StatusMethodNotAllowed, failure{fmt.Sprintf("method %.20q is not allowed here, want %s", r.Method, e.allow())})
		return
	}
	var p parameters
	if !e.anyQuery {
		var err error
		if p, err = parse(r.URL.RawQuery, e.parameters); err != nil {
			write(w, http.StatusBadRequest, failure{err.Error()})
			return
		}
	}
	if e.method == http.MethodPost {
		if code, err := ignoreBody(w, r); err != nil {
			write(w, code, failure{err.Error()})
			return
		}
	}
	if p.wait > 0 {
		keepOpen(w)
	}
	code, body := e.serve(r, p)
	write(w, code, body)
	if e.method == http.MethodPost { // the last thing: a log that blocks holds nothing up
		h.log.Info("admin", "request", "POST "+r.URL.Path, "query", short(r.URL.RawQuery), "code", code, "remote", r.RemoteAddr, "user_agent", short(r.UserAgent()))
	}
}

func (e endpoint) allows(method string) bool {
	return method == e.method || method == http.MethodHead && e.method == http.MethodGet
}

func (e endpoint) allow() string {
	if e.method == http.MethodGet {
		return "GET, HEAD"
	}
	return e.method
}

// ignoreBody reads to the end of the body: net/http sees that a client has gone only after that (Go 1.26).
func ignoreBody(w http.ResponseWriter, r *http.Request) (code int, err error) {
	_, err = io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the body is longer than %d bytes; none is wanted", maxBody)
	}
	if err != nil {
		return http.StatusBadRequest, fmt.Errorf("the body cannot be read: %w", err)
	}
	return 0, nil
}

// keepOpen takes the WriteTimeout of the server from this answer. Where the ResponseWriter cannot do that, it stays.
func keepOpen(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
}

func write(w http.ResponseWriter, code int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		code, text = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n'))
}

// short returns as much of it as belongs into a log.
func short(text string) string { return fmt.Sprintf("%.100s", text) }
