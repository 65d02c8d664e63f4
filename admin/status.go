// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"net/http"

	"github.com/lameduck-go/lameduck/lifecycle"
)

type statusAnswer struct {
	Status lifecycle.Status  `json:"status"`
	Report *lifecycle.Report `json:"report,omitempty"` // nil: there was no offline
}

func (h *handler) status(*http.Request, parameters) (int, any) {
	a := statusAnswer{Status: h.manager.Status()}
	if report := h.manager.Report(); !report.Began.IsZero() {
		a.Report = &report
	}
	return http.StatusOK, a
}
