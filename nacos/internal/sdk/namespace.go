// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"context"
	"net/url"
	"slices"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const namespacesPath = "/v1/console/namespaces"

// NamespaceMissing tells that a node of the registry says that nobody has created our namespace. Where none tells, 3.x
// for example, it reports false: a registry takes any name, and who has made a typing error is alone there.
func (c *Client) NamespaceMissing(ctx context.Context) bool {
	ours := c.settings.param.ClientConfig.NamespaceId
	if ours == constant.DEFAULT_NAMESPACE_ID {
		return false
	}
	for _, server := range c.settings.param.ServerConfigs {
		var answer struct {
			Data []struct {
				Namespace string `json:"namespace"`
			} `json:"data"`
		}
		if err := c.get(ctx, server, namespacesPath, url.Values{}, &answer); err != nil || len(answer.Data) == 0 {
			continue
		}
		return !slices.ContainsFunc(answer.Data, func(n struct {
			Namespace string `json:"namespace"`
		},
		) bool {
			return cmp.Or(n.Namespace, constant.DEFAULT_NAMESPACE_ID) == ours
		})
	}
	return false
}
