// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// A query is what a target asks for.
type query struct {
	service, group, namespace string
	clusters                  []string // empty: all
}

func (q query) String() string { return q.group + "@@" + q.service }

// wants tells whether instances of this cluster are asked for.
func (q query) wants(cluster string) bool {
	return len(q.clusters) == 0 || slices.Contains(q.clusters, cmp.Or(cluster, sdk.DefaultCluster))
}

func parseTarget(u url.URL) (query, error) {
	if u.Host != "" {
		return query{}, fmt.Errorf("authority %q: want none, as in %s:///SERVICE; the servers are in Config", u.Host, Scheme)
	}
	q := query{service: strings.TrimPrefix(cmp.Or(u.Path, u.Opaque), "/"), group: sdk.DefaultGroup}
	if err := sdk.CheckService(q.service); err != nil {
		return q, fmt.Errorf("service: %w", err)
	}
	if u.Fragment != "" {
		return q, fmt.Errorf("fragment %q: want none", u.Fragment)
	}
	params, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return q, fmt.Errorf("parameters: %w", err)
	}
	for name, values := range params {
		if err := q.set(name, values); err != nil {
			return q, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return q, nil
}

func (q *query) set(name string, values []string) error {
	if len(values) != 1 {
		return errors.New("given more than once")
	}
	value := values[0]
	switch name {
	case "group":
		q.group = value
		return sdk.CheckGroup(value)
	case "namespace":
		q.namespace = value
		return sdk.CheckNamespace(value)
	case "cluster":
		q.clusters = strings.Split(value, ",")
		for _, c := range q.clusters {
			if err := sdk.CheckCluster(c); err != nil {
				return err
			}
		}
		return nil
	default:
		return errors.New("unknown, want group, namespace or cluster")
	}
}
