// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"log/slog"
	"net/http"
	"sync/atomic"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// An Option changes what Handler and Probes make. A nil Option is ignored, and so is one that is given nil.
type Option func(*config)

type config struct {
	authorize func(*http.Request) error
	log       *slog.Logger
}

// WithAuthorize has f alone decide who may see the status and control the instance, in the place of the rule in the
// package documentation: f looks at Host and at headers of browsers and proxies, too, where these matter. An error of f
// is the answer, 403 with its text. f is called by many requests at once, and not for probes. Given twice, the last one
// decides.
func WithAuthorize(f func(r *http.Request) error) Option {
	return func(c *config) {
		if f != nil {
			c.authorize = f
		}
	}
}

// WithLogger sets where the lines go: one for each POST that was allowed, with who asked and what they were answered, and
// one warning when /readyz is asked while the instance drains by somebody who is not the kubelet. The default is
// slog.Default() at the time of Handler and Probes.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) {
		if l != nil {
			c.log = l
		}
	}
}

// Handler returns the probes, the status and the control of m. Paths are those of the package documentation; use
// http.StripPrefix to have them elsewhere. It is safe for concurrent use, starts no goroutine that outlives a request,
// and may be used before m runs and after it has stopped. With a nil m every answer is 500.
func Handler(m *lifecycle.Manager, opts ...Option) http.Handler {
	h := newHandler(m, opts)
	h.endpoints = map[string]endpoint{
		"/status":   {method: http.MethodGet, serve: h.status},
		"/drain":    {method: http.MethodPost, parameters: []string{"wait", "last"}, serve: h.drain},
		"/resume":   {method: http.MethodPost, parameters: []string{"wait"}, serve: h.resume},
		"/shutdown": {method: http.MethodPost, parameters: []string{"wait", "budget"}, serve: h.shutdown},
		"/force":    {method: http.MethodPost, serve: h.force},
	}
	h.addProbes()
	return h
}

// Probes returns the probes of m alone, for anybody: WithAuthorize changes nothing. They tell the state and nothing
// that names a registry, a caller or another server. The rest is as with Handler.
func Probes(m *lifecycle.Manager, opts ...Option) http.Handler {
	h := newHandler(m, opts)
	h.endpoints = map[string]endpoint{}
	h.addProbes()
	return h
}

type handler struct {
	config
	manager   *lifecycle.Manager
	endpoints map[string]endpoint // by path
	warned    atomic.Bool         // of a caller of /readyz that is not the kubelet
}

func newHandler(m *lifecycle.Manager, opts []Option) *handler {
	h := &handler{config: config{authorize: thisHost, log: slog.Default()}, manager: m}
	for _, o := range opts {
		if o != nil {
			o(&h.config)
		}
	}
	return h
}

func (h *handler) addProbes() {
	h.endpoints["/livez"] = endpoint{method: http.MethodGet, anybody: true, anyQuery: true, serve: h.livez}
	h.endpoints["/readyz"] = endpoint{method: http.MethodGet, anybody: true, serve: h.readyz}
	h.endpoints["/trafficz"] = endpoint{method: http.MethodGet, anybody: true, parameters: []string{"gone"}, serve: h.trafficz}
}
