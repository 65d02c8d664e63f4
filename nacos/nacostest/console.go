// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// putInstance is the request that the console's switch of 2.x sends, so that a
// test can act as the operator on this server and on a real one alike. On 3.x the
// path is closed to clients and the console has its own.
func (l *life) putInstance(w http.ResponseWriter, r *http.Request) {
	if !l.permit(w, r) {
		return
	}
	key, ok := serviceOf(w, r)
	if !ok {
		return
	}
	port, err := strconv.Atoi(r.FormValue("port"))
	if err != nil {
		http.Error(w, "caused: Param 'port' is required.;", http.StatusBadRequest)
		return
	}
	weight, err := strconv.ParseFloat(cmp.Or(r.FormValue("weight"), "1"), 64)
	if err != nil {
		http.Error(w, "caused: Param 'weight' is illegal.;", http.StatusBadRequest)
		return
	}
	var metadata map[string]string
	if text := r.FormValue("metadata"); text != "" {
		if err := json.Unmarshal([]byte(text), &metadata); err != nil {
			http.Error(w, "caused: Param 'metadata' is illegal.;", http.StatusBadRequest)
			return
		}
	}
	i := Instance{IP: r.FormValue("ip"), Port: port, Cluster: cmp.Or(r.FormValue("clusterName"), defaultCluster)}
	cluster := l.naming.cluster
	cluster.mu.Lock()
	edited := cluster.edit(key, i.place(), func(e *edit) {
		*e = edit{enabled: cmp.Or(r.FormValue("enabled"), "true") == "true", weight: weight, metadata: metadata, expires: e.expires}
	})
	l.server.logEdit(key, i.place(), edited)
	cluster.mu.Unlock()
	_, _ = io.WriteString(w, "ok")
}

// deleteInstance answers "ok" and does nothing, as the official servers do for an
// instance that was registered over gRPC (alibaba/nacos#12788).
func (l *life) deleteInstance(w http.ResponseWriter, r *http.Request) {
	if !l.permit(w, r) {
		return
	}
	_, _ = io.WriteString(w, "ok")
}
