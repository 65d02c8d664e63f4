// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"encoding/json"
	"net"
	"net/http"
	"strings"
)

// handler answers the HTTP paths that clients of the 2.x line use.
func (l *life) handler() http.Handler {
	mux := http.NewServeMux()
	if l.server.opts.WithoutV1 {
		mux.HandleFunc("GET /nacos/v1/", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Current API will be deprecated", http.StatusGone)
		})
		mux.HandleFunc("GET /nacos/v3/client/ns/instance/list", l.getListV3)
		mux.HandleFunc("POST /nacos/v1/auth/users/login", l.postLogin)
		return l.onceServing(mux)
	}
	mux.HandleFunc("GET /nacos/v1/ns/instance/list", l.getList)
	mux.HandleFunc("GET /nacos/v1/ns/instance", l.getInstance)
	mux.HandleFunc("GET /nacos/v1/console/namespaces", l.getNamespaces)
	mux.HandleFunc("PUT /nacos/v1/ns/instance", l.putInstance)
	mux.HandleFunc("DELETE /nacos/v1/ns/instance", l.deleteInstance)
	mux.HandleFunc("POST /nacos/v1/auth/users/login", l.postLogin)
	mux.HandleFunc("GET /nacos/v1/ns/operator/metrics", l.getMetrics)
	return l.onceServing(mux)
}

func (l *life) onceServing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.isServing() {
			http.Error(w, "server is STARTING now, please try again later!", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// getList is the open instance list: enabled instances only, from the snapshot
// that pushes renew.
func (l *life) getList(w http.ResponseWriter, r *http.Request) {
	if answer, ok := l.openList(w, r); ok {
		writeJSON(w, answer)
	}
}

// getListV3 is the same in the way of 3.x, which may have switched the older paths
// off.
func (l *life) getListV3(w http.ResponseWriter, r *http.Request) {
	if answer, ok := l.openList(w, r); ok {
		writeJSON(w, map[string]any{"code": 0, "message": "success", "data": answer.Hosts})
	}
}

func (l *life) openList(w http.ResponseWriter, r *http.Request) (serviceList, bool) {
	if !l.letPass(w, r, OpenList) {
		return serviceList{}, false
	}
	if auth := l.server.opts.Auth; auth != nil && !auth.OpenList && !l.permit(w, r) {
		return serviceList{}, false
	}
	key, ok := serviceOf(w, r)
	if !ok {
		return serviceList{}, false
	}
	clusters := r.FormValue("clusters")
	cluster := l.naming.cluster
	cluster.mu.Lock()
	list := inClusters(l.naming.list(key), clusters)
	if r.FormValue("healthyOnly") == "true" {
		list = healthy(list)
	}
	answer := newServiceList(key, clusters, list, l.naming.stamp())
	cluster.mu.Unlock()
	answer.Name = key.grouped()
	return answer, true
}

// getInstance is the detail of one instance, which has what an operator has switched
// off, and does not say so (2.5.1).
func (l *life) getInstance(w http.ResponseWriter, r *http.Request) {
	if auth := l.server.opts.Auth; auth != nil && !l.permit(w, r) {
		return
	}
	key, ok := serviceOf(w, r)
	if !ok {
		return
	}
	addr := net.JoinHostPort(r.FormValue("ip"), r.FormValue("port"))
	cluster := l.naming.cluster
	cluster.mu.Lock()
	all := l.naming.instances(key)
	cluster.mu.Unlock()
	for _, i := range all {
		if i.Addr() == addr {
			writeJSON(w, map[string]any{
				"service": key.grouped(), "ip": i.IP, "port": i.Port, "clusterName": i.Cluster, "weight": i.Weight,
				"healthy": i.Healthy, "metadata": i.Metadata,
			})
			return
		}
	}
	http.Error(w, "caused: no matched ip found!;", http.StatusNotFound)
}

// getNamespaces lists the namespaces that were created, and the one that always is
// there. 2.x answers without a login, 3.x does not.
func (l *life) getNamespaces(w http.ResponseWriter, _ *http.Request) {
	type namespace struct {
		Namespace string `json:"namespace"`
		Name      string `json:"namespaceShowName"`
	}
	all := []namespace{{"", "public"}}
	for _, id := range l.server.opts.Namespaces {
		all = append(all, namespace{id, id})
	}
	writeJSON(w, map[string]any{"code": 200, "message": nil, "data": all})
}

// letPass counts the request and makes it fail if that was ordered.
func (l *life) letPass(w http.ResponseWriter, r *http.Request, op Op) bool {
	l.server.faults.count(op)
	failure := l.server.faults.next(op)
	l.logHTTP(r, op, failure)
	switch failure {
	case ErrorResponse:
		http.Error(w, "failure ordered by the test", http.StatusInternalServerError)
	case Forbidden:
		http.Error(w, "authorization failed!", http.StatusForbidden)
	case Timeout, AnswerLost:
		<-r.Context().Done()
	case Ignored:
		writeJSON(w, struct{}{})
	default:
		return true
	}
	return false
}

// serviceOf reads namespaceId, groupName and serviceName, which may carry the
// group too.
func serviceOf(w http.ResponseWriter, r *http.Request) (serviceKey, bool) {
	name := r.FormValue("serviceName")
	if name == "" {
		http.Error(w, "caused: Param 'serviceName' is required.;", http.StatusBadRequest)
		return serviceKey{}, false
	}
	group := r.FormValue("groupName")
	if g, n, ok := strings.Cut(name, separator); ok {
		group, name = g, n
	}
	return newServiceKey(r.FormValue("namespaceId"), group, name), true
}

// getMetrics is what the SDK asks for its ServerHealthy while it has no
// connection.
func (l *life) getMetrics(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"status": "UP"})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}
