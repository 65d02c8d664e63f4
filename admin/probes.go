// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"
	"slices"
	"strings"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// A probe is the answer to a probe.
type probe struct {
	State  lifecycle.State `json:"state"`
	Causes []string        `json:"causes,omitempty"`
}

func (h *handler) livez(*http.Request, parameters) (int, any) {
	return http.StatusOK, probe{State: h.manager.Status().State}
}

func (h *handler) readyz(r *http.Request, _ parameters) (int, any) {
	s := h.manager.Status()
	if s.State == lifecycle.Draining || s.State == lifecycle.Stopping {
		h.warnOfBalancer(r)
	}
	if s.Ready {
		return http.StatusOK, probe{State: s.State}
	}
	causes := reasons(s)
	if s.State == lifecycle.Serving {
		causes = append(causes, "not registered yet")
	}
	return http.StatusServiceUnavailable, probe{s.State, causes}
}

func (h *handler) trafficz(_ *http.Request, p parameters) (int, any) {
	s := h.manager.Status()
	code := http.StatusServiceUnavailable
	switch {
	case s.State == lifecycle.Serving:
		return http.StatusOK, probe{State: s.State}
	case p.gone404: // HAProxy's disable-on-404: no new traffic after one check, and no failed check
		code = http.StatusNotFound
	}
	return code, probe{s.State, reasons(s)}
}

// warnOfBalancer says once that somebody asks for readiness who ought to ask for traffic.
func (h *handler) warnOfBalancer(r *http.Request) {
	if strings.HasPrefix(r.UserAgent(), "kube-probe/") || h.warned.Swap(true) {
		return
	}
	h.log.Warn("/readyz was asked while the instance drains, and not by the kubelet; a balancer has to ask /trafficz: a signal leaves /readyz as it is",
		"remote", r.RemoteAddr, "user_agent", short(r.UserAgent()))
}

// reasons are the causes as anybody may know them: Status has the names of registries in them, and texts of errors.
func reasons(s lifecycle.Status) []string {
	var all []string
	for _, cause := range s.Causes {
		switch {
		case strings.HasPrefix(cause, "operator at "):
			cause = "operator offline"
		case strings.HasPrefix(cause, "context: "):
			cause = "context"
		}
		if !slices.Contains(all, cause) {
			all = append(all, cause)
		}
	}
	return all
}
