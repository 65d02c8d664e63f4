// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"encoding/json"
	"maps"
	"strconv"
)

// Codes of the protocol.
const (
	codeSuccess      = 200
	codeFail         = 500
	codeStarting     = 300 // the server accepts connections and does not serve yet
	codeUnregistered = 301 // the connection has not been set up, or was removed
	codeNoHandler    = 302
	codeForbidden    = 403
)

// request has the fields of all naming requests; each fills its own.
type request struct {
	RequestID   string         `json:"requestId"`
	Namespace   string         `json:"namespace"`
	ServiceName string         `json:"serviceName"`
	GroupName   string         `json:"groupName"`
	Type        string         `json:"type"`
	Instance    wireInstance   `json:"instance"`
	Instances   []wireInstance `json:"instances"`
	Subscribe   bool           `json:"subscribe"`
	Clusters    string         `json:"clusters"`
	Cluster     string         `json:"cluster"`
	HealthyOnly bool           `json:"healthyOnly"`
	PageNo      int            `json:"pageNo"`
	PageSize    int            `json:"pageSize"`
}

func (r *request) key() serviceKey { return newServiceKey(r.Namespace, r.GroupName, r.ServiceName) }

func (r *request) batch() []Instance {
	var list []Instance
	for _, w := range r.Instances {
		list = append(list, w.instance())
	}
	return list
}

// response has every base field always: the SDK decodes a repeated ServerCheck
// into the same struct, where an absent error code would keep the old one.
type response struct {
	ResultCode int    `json:"resultCode"`
	ErrorCode  int    `json:"errorCode"`
	Success    bool   `json:"success"` // what the Go SDK goes by
	Message    string `json:"message"`
	RequestID  string `json:"requestId"`

	ConnectionID string       `json:"connectionId,omitempty"`
	Type         string       `json:"type,omitempty"`
	ServiceInfo  *serviceList `json:"serviceInfo,omitempty"`
	Count        *int         `json:"count,omitempty"`
	ServiceNames []string     `json:"serviceNames,omitempty"`
}

func success() response { return response{ResultCode: codeSuccess, Success: true} }

func failed(code int, message string) response {
	return response{ResultCode: codeFail, ErrorCode: code, Message: message}
}

func encodeMessage(kind string, message any) (*payload, error) {
	body, err := json.Marshal(message)
	if err != nil {
		return nil, err
	}
	return &payload{kind: kind, body: body}, nil
}

// serviceList is a list of instances as answers, pushes and the v1 read carry it.
type serviceList struct {
	Name                     string         `json:"name"`
	GroupName                string         `json:"groupName"`
	Clusters                 string         `json:"clusters"`
	CacheMillis              int            `json:"cacheMillis"`
	Hosts                    []wireInstance `json:"hosts"`
	LastRefTime              int64          `json:"lastRefTime"`
	Checksum                 string         `json:"checksum"`
	AllIPs                   bool           `json:"allIPs"`
	ReachProtectionThreshold bool           `json:"reachProtectionThreshold"`
	Valid                    bool           `json:"valid"`
}

func newServiceList(key serviceKey, clusters string, list []Instance, stamp int64) serviceList {
	hosts := make([]wireInstance, 0, len(list))
	for _, i := range list {
		hosts = append(hosts, newWireInstance(key, i))
	}
	return serviceList{
		Name:        key.name,
		GroupName:   key.group,
		Clusters:    clusters,
		CacheMillis: 10000,
		Hosts:       hosts,
		LastRefTime: stamp,
		Valid:       true,
	}
}

// wireInstance is an instance in JSON.
type wireInstance struct {
	InstanceID                string            `json:"instanceId"`
	IP                        string            `json:"ip"`
	Port                      int               `json:"port"`
	Weight                    float64           `json:"weight"`
	Healthy                   bool              `json:"healthy"`
	Enabled                   bool              `json:"enabled"`
	Ephemeral                 bool              `json:"ephemeral"`
	ClusterName               string            `json:"clusterName"`
	ServiceName               string            `json:"serviceName"`
	Metadata                  map[string]string `json:"metadata"`
	InstanceHeartBeatInterval int               `json:"instanceHeartBeatInterval"`
	InstanceHeartBeatTimeOut  int               `json:"instanceHeartBeatTimeOut"`
	IPDeleteTimeout           int               `json:"ipDeleteTimeout"`
}

func newWireInstance(key serviceKey, i Instance) wireInstance {
	metadata := i.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return wireInstance{
		InstanceID:                i.IP + "#" + strconv.Itoa(i.Port) + "#" + i.Cluster + "#" + key.grouped(),
		IP:                        i.IP,
		Port:                      i.Port,
		Weight:                    i.Weight,
		Healthy:                   i.Healthy,
		Enabled:                   i.Enabled,
		Ephemeral:                 true,
		ClusterName:               i.Cluster,
		ServiceName:               key.grouped(),
		Metadata:                  metadata,
		InstanceHeartBeatInterval: 5000,
		InstanceHeartBeatTimeOut:  15000,
		IPDeleteTimeout:           30000,
	}
}

func (w wireInstance) instance() Instance {
	cluster := w.ClusterName
	if cluster == "" {
		cluster = defaultCluster
	}
	return Instance{
		IP:       w.IP,
		Port:     w.Port,
		Cluster:  cluster,
		Weight:   w.Weight,
		Healthy:  w.Healthy,
		Enabled:  w.Enabled,
		Metadata: maps.Clone(w.Metadata),
	}
}

// pushMessage is a list that the server sends by itself.
type pushMessage struct {
	RequestID   string      `json:"requestId"`
	Module      string      `json:"module"`
	Namespace   string      `json:"namespace"`
	GroupName   string      `json:"groupName"`
	ServiceName string      `json:"serviceName"`
	ServiceInfo serviceList `json:"serviceInfo"`
}

func newPushMessage(n notice) pushMessage {
	return pushMessage{
		RequestID:   n.id,
		Module:      "naming",
		Namespace:   n.key.namespace,
		GroupName:   n.key.group,
		ServiceName: n.key.name,
		ServiceInfo: n.list,
	}
}
