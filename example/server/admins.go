// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"net"
	"net/http"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// admins are the servers of WithAdmin: control belongs on loopback, probes may be seen by anybody.
type admins struct{ control, probes http.Server }

// listen returns an option for each that a flag asks for.
func (a *admins) listen(c *command) (options []lifecycle.Option, err error) {
	for _, one := range []struct {
		what, addr string
		server     *http.Server
	}{{"probes, status and control", c.admin, &a.control}, {"probes", c.probes, &a.probes}} {
		if one.addr == "" {
			continue
		}
		lis, err := net.Listen("tcp", one.addr)
		if err != nil {
			return nil, err
		}
		slog.Info(one.what, "addr", lis.Addr().String())
		options = append(options, lifecycle.WithAdmin(lifecycle.HTTPServer(one.server), lis))
	}
	return options, nil
}

func (a *admins) answerFor(m *lifecycle.Manager) {
	a.control.Handler, a.probes.Handler = admin.Handler(m), admin.Probes(m)
}
