// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const listPath = "/v1/ns/instance/list"

// List reads who is listed by the open v1 instance list over HTTP, without the subscription: a second opinion. It
// works on 2.x, 3.x and r-nacos without a token, and with the login's where authentication is on. It shows enabled
// instances only, and is no earlier than a push (nacos 2.5.1, 3.0.3).
//
// All nodes are asked at once and what they list is put together: an instance is absent when no node that answers has
// it. An instance may be in it once for each node. Without any answer the error wraps ErrNoOpinion, and says what each
// node has said; it also wraps ErrRefused if a node does not know our login.
func (c *Client) List(ctx context.Context, service, group string) ([]Instance, error) {
	servers := c.settings.param.ServerConfigs
	lists, errs := make([][]Instance, len(servers)), make([]error, len(servers))
	var asked sync.WaitGroup
	for i, server := range servers {
		asked.Go(func() { lists[i], errs[i] = c.listOf(ctx, server, service, group) })
	}
	asked.Wait()
	if !slices.Contains(errs, nil) {
		return nil, errors.Join(append([]error{ErrNoOpinion}, errs...)...)
	}
	return slices.Concat(lists...), nil
}

func (c *Client) listOf(ctx context.Context, server constant.ServerConfig, service, group string) ([]Instance, error) {
	group = cmp.Or(group, DefaultGroup)
	query := url.Values{
		"serviceName": {service},
		"groupName":   {group},
		"namespaceId": {c.settings.param.ClientConfig.NamespaceId},
		"healthyOnly": {"false"},
	}
	if token, _ := c.agent.credentials(); token != "" {
		query.Set(constant.KEY_ACCESS_TOKEN, token)
	}
	place := server.Scheme + "://" + server.IpAddr + ":" + strconv.FormatUint(server.Port, 10) + server.ContextPath + listPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, place+"?"+query.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	resp, err := c.agent.do(req, c.settings.timeout)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, withoutURL(err))
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	denied := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized
	if denied && c.settings.param.ClientConfig.Username != "" {
		return nil, fmt.Errorf("%s: %w: %s", place, ErrRefused, resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", place, resp.Status)
	}
	var answer struct {
		Hosts *[]Instance `json:"hosts"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	if answer.Hosts == nil {
		return nil, fmt.Errorf("%s: the answer has no hosts", place)
	}
	return *answer.Hosts, nil
}

// withoutURL keeps the token, which is part of the URL, out of errors.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
