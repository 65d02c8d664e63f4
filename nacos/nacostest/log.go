// SPDX-License-Identifier: Apache-2.0

package nacostest

import "net/http"

func (s *Server) log(message string, args ...any) {
	s.opts.Logger.Info("nacostest: "+message, args...)
}

func (l *life) log(message string, args ...any) { l.server.log(message, args...) }

// logRequest names what a client of the gRPC port asks for.
func (l *life) logRequest(c *connection, op Op, r *request, failure Failure) {
	args := []any{"service", r.key().String()}
	message := string(op)
	switch op {
	case Register, Deregister:
		list := r.batch()
		if len(list) == 0 {
			list = append(list, r.Instance.instance())
		}
		args = append(args, "instances", addrs(list))
	case Subscribe:
		if !r.Subscribe {
			message = "unsubscribe"
		}
	}
	l.log(message, append(args, ordered(failure, "connection", c.id)...)...)
}

// logHTTP names what somebody asks for at the HTTP port.
func (l *life) logHTTP(r *http.Request, op Op, failure Failure) {
	args := []any{"client", r.RemoteAddr}
	if service := r.FormValue("serviceName"); service != "" {
		args = append([]any{"service", service}, args...)
	}
	l.log(string(op), ordered(failure, args...)...)
}

func ordered(failure Failure, args ...any) []any {
	if failure != 0 {
		args = append(args, "ordered failure", failure)
	}
	return args
}

// logEdit needs the model's lock.
func (s *Server) logEdit(key serviceKey, place placeKey, e *edit) {
	s.log("edited by an operator", "service", key.String(), "instance", place.addr, "enabled", e.enabled, "weight", e.weight)
}

// logPush needs the model's lock.
func (n *naming) logPush(key serviceKey, subscribers int) {
	if subscribers > 0 {
		n.opts.Logger.Info("nacostest: push", "service", key.String(), "instances", addrs(n.list(key)), "subscribers", subscribers)
	}
}

func addrs(list []Instance) []string {
	out := make([]string, 0, len(list))
	for _, i := range list {
		out = append(out, i.Addr())
	}
	return out
}
