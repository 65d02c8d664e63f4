// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// answer handles a unary request.
func (l *life) answer(ctx context.Context, in *payload) (*payload, error) {
	var r request
	if err := json.Unmarshal(in.body, &r); err != nil {
		return nil, fmt.Errorf("nacostest: %s: %w", in.kind, err)
	}
	kind, out, err := l.dispatch(ctx, in, &r)
	if err != nil {
		return nil, err
	}
	out.RequestID = r.RequestID
	return encodeMessage(kind, out)
}

const errorKind = "ErrorResponse"

func (l *life) dispatch(ctx context.Context, in *payload, r *request) (string, response, error) {
	if !l.isServing() {
		return errorKind, failed(codeStarting, "server is starting, please try later."), nil
	}
	c := connectionOf(ctx)
	c.heard.Store(time.Now().UnixNano())
	if in.kind == "ServerCheckRequest" {
		out := success()
		out.ConnectionID = c.id
		return "ServerCheckResponse", out, nil
	}
	client := c.current()
	if client == nil {
		return errorKind, failed(codeUnregistered, "Connection is unregistered."), nil
	}
	if in.kind == "HealthCheckRequest" {
		return "HealthCheckResponse", success(), nil
	}
	op, ok := operations[in.kind]
	if !ok {
		return errorKind, failed(codeNoHandler, "RequestHandler Not Found"), nil
	}
	return l.serve(ctx, op, client, in, r)
}

// operation is a naming request: the type of its answer and what it does, with
// the lock held.
type operation struct {
	answer string
	op     func(r *request) Op
	run    func(n *naming, c *client, r *request) response
}

var operations = map[string]operation{
	"InstanceRequest": {"InstanceResponse", func(r *request) Op {
		if r.Type == deregisterType {
			return Deregister
		}
		return Register
	}, instanceRequest},
	"BatchInstanceRequest":    {"BatchInstanceResponse", func(*request) Op { return Register }, batchRequest},
	"SubscribeServiceRequest": {"SubscribeServiceResponse", func(*request) Op { return Subscribe }, subscribeRequest},
	"ServiceQueryRequest":     {"QueryServiceResponse", func(*request) Op { return Query }, queryRequest},
	"ServiceListRequest":      {"ServiceListResponse", func(*request) Op { return Query }, serviceListRequest},
}

func (l *life) serve(ctx context.Context, o operation, c *client, in *payload, r *request) (string, response, error) {
	op := o.op(r)
	faults := l.server.faults
	faults.count(op)
	failure := faults.next(op)
	l.logRequest(connectionOf(ctx), op, r, failure)
	switch failure {
	case ErrorResponse:
		return errorKind, failed(codeFail, "failure ordered by the test"), nil
	case Forbidden:
		return o.answer, failed(codeForbidden, "authorization failed!"), nil
	case Timeout:
		return "", response{}, silence(ctx)
	case Ignored:
		return o.answer, success(), nil
	}
	if !l.server.allowed(in.headers["accessToken"]) {
		return o.answer, failed(codeForbidden, "user not found!"), nil
	}
	if op == Register {
		if err := faults.hold(ctx, r); err != nil {
			return "", response{}, err
		}
	}
	cluster := l.naming.cluster
	cluster.mu.Lock()
	out := o.run(l.naming, c, r)
	cluster.mu.Unlock()
	if failure == AnswerLost {
		return "", response{}, silence(ctx)
	}
	return o.answer, out, nil
}

const (
	registerType   = "registerInstance"
	deregisterType = "deregisterInstance"
)

func instanceRequest(n *naming, c *client, r *request) response {
	switch r.Type {
	case registerType:
		n.register(c, r.key(), []Instance{r.Instance.instance()})
	case deregisterType:
		n.deregister(c, r.key())
	default:
		return failed(codeFail, "Unsupported request type "+r.Type)
	}
	out := success()
	out.Type = r.Type
	return out
}

func batchRequest(n *naming, c *client, r *request) response {
	n.register(c, r.key(), r.batch())
	out := success()
	out.Type = r.Type
	return out
}

func subscribeRequest(n *naming, c *client, r *request) response {
	out := success()
	key := r.key()
	var list []Instance
	if r.Subscribe {
		list = n.subscribe(c, key, r.Clusters)
	} else {
		n.unsubscribe(c, key)
	}
	info := newServiceList(key, r.Clusters, list, n.stamp())
	out.ServiceInfo = &info
	return out
}

func queryRequest(n *naming, _ *client, r *request) response {
	out := success()
	key := r.key()
	list := inClusters(n.list(key), r.Cluster)
	if r.HealthyOnly {
		list = healthy(list)
	}
	info := newServiceList(key, r.Cluster, list, n.stamp())
	out.ServiceInfo = &info
	return out
}

func healthy(list []Instance) []Instance {
	var out []Instance
	for _, i := range list {
		if i.Healthy {
			out = append(out, i)
		}
	}
	return out
}

func serviceListRequest(n *naming, _ *client, r *request) response {
	names := n.names(r.key())
	count := len(names)
	if r.PageSize > 0 {
		from := min(max(r.PageNo-1, 0)*r.PageSize, count)
		names = names[from:min(from+r.PageSize, count)]
	}
	out := success()
	out.Count, out.ServiceNames = &count, names
	return out
}

func (l *life) isServing() bool { return !time.Now().Before(l.serving) }
