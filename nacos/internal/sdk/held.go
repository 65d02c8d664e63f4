// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const instancePath = "/v1/ns/instance"

// Held tells whether the registry has i, whether listed or switched off by an operator, and whether that is known.
// Nacos up to 2.5 and r-nacos tell it, 3.x does not (410, or 403 by default): their detail of an instance has what an
// operator has switched off (2.5.1, r-nacos 0.8.5), and is no earlier than a push. Every node is asked; one that has it
// decides.
func (c *Client) Held(ctx context.Context, service, group string, i Instance) (held, known bool) {
	var yes, unknown atomic.Bool
	var asked sync.WaitGroup
	for _, server := range c.settings.param.ServerConfigs {
		asked.Go(func() {
			switch held, known := c.heldBy(ctx, server, service, group, i); {
			case !known:
				unknown.Store(true)
			case held:
				yes.Store(true)
			}
		})
	}
	asked.Wait()
	return yes.Load(), yes.Load() || !unknown.Load() && len(c.settings.param.ServerConfigs) > 0
}

func (c *Client) heldBy(ctx context.Context, server constant.ServerConfig, service, group string, i Instance) (held, known bool) {
	query := url.Values{
		"serviceName": {service},
		"groupName":   {cmp.Or(group, DefaultGroup)},
		"namespaceId": {c.settings.param.ClientConfig.NamespaceId},
		"clusterName": {cmp.Or(i.ClusterName, DefaultCluster)},
		"ip":          {i.Ip},
		"port":        {strconv.FormatUint(i.Port, 10)},
	}
	var answer Instance
	err := c.get(ctx, server, instancePath, query, &answer)
	if err == nil {
		return answer.Port == i.Port, answer.Port == i.Port
	}
	status, ok := errors.AsType[*statusError](err)
	if !ok || status.code != http.StatusNotFound && status.code != http.StatusInternalServerError {
		return false, false
	}
	// 2.5.1 says 404 of an instance that it does not have, r-nacos 500; a server without these paths, or in trouble,
	// may too.
	var list any
	return false, c.get(ctx, server, listPath, query, &list) == nil
}
