// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

const (
	listPath   = "/v1/ns/instance/list"
	listPathV3 = "/v3/client/ns/instance/list" // of a 3.x whose v1 paths are switched off
)

// A NodeList is what one node of the registry lists, or why that is not known.
type NodeList struct {
	Node      string // "host:port"
	Instances []Instance
	Err       error
}

// List reads who is listed by the open instance list over HTTP, without the subscription: a second opinion. It works on
// 2.x, 3.x and r-nacos without a token, and with the login's where authentication is on. It shows enabled instances
// only, and is no earlier than a push (nacos 2.5.1, 3.0.3).
//
// All nodes are asked at once and what they list is put together: an instance is absent when no node that answers has
// it. An instance may be in it once for each node. Without any answer the error wraps ErrNoOpinion, and says what each
// node has said; it also wraps ErrRefused if a node does not know our login.
func (c *Client) List(ctx context.Context, service, group string) ([]Instance, error) {
	var all []Instance
	errs, answers := []error{ErrNoOpinion}, 0
	for _, node := range c.ListEach(ctx, service, group) {
		if node.Err != nil {
			errs = append(errs, node.Err)
			continue
		}
		answers++
		all = append(all, node.Instances...)
	}
	if answers == 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// ListEach asks every node of Config.Servers for its open list, all at once. With an address server there is none.
func (c *Client) ListEach(ctx context.Context, service, group string) []NodeList {
	servers := c.settings.param.ServerConfigs
	lists := make([]NodeList, len(servers))
	var asked sync.WaitGroup
	for i, server := range servers {
		asked.Go(func() {
			list, err := c.listOf(ctx, server, service, group)
			lists[i] = NodeList{nodeName(server), list, err}
		})
	}
	asked.Wait()
	return lists
}

func nodeName(server constant.ServerConfig) string {
	return net.JoinHostPort(strings.Trim(server.IpAddr, "[]"), strconv.FormatUint(server.Port, 10))
}

// errNoSuchPath is the answer of a server to a path that it does not have, or not any more.
var errNoSuchPath = errors.New("no such path")

func (c *Client) listOf(ctx context.Context, server constant.ServerConfig, service, group string) ([]Instance, error) {
	query := url.Values{
		"serviceName": {service},
		"groupName":   {cmp.Or(group, DefaultGroup)},
		"namespaceId": {c.settings.param.ClientConfig.NamespaceId},
		"healthyOnly": {"false"},
	}
	var answer struct {
		Hosts *[]Instance `json:"hosts"`
	}
	err := c.get(ctx, server, listPath, query, &answer)
	if !errors.Is(err, errNoSuchPath) {
		if err == nil && answer.Hosts == nil {
			err = fmt.Errorf("%s%s: the answer has no hosts", place(server), listPath)
		}
		if err != nil {
			return nil, err
		}
		return *answer.Hosts, nil
	}
	var answerV3 struct {
		Data *[]Instance `json:"data"`
	}
	switch errV3 := c.get(ctx, server, listPathV3, query, &answerV3); {
	case errors.Is(errV3, errNoSuchPath):
		return nil, err
	case errV3 != nil:
		return nil, errV3
	case answerV3.Data == nil:
		return nil, fmt.Errorf("%s%s: the answer has no data", place(server), listPathV3)
	}
	return *answerV3.Data, nil
}

func place(server constant.ServerConfig) string {
	return server.Scheme + "://" + server.IpAddr + ":" + strconv.FormatUint(server.Port, 10) + server.ContextPath
}

// get reads JSON from a path of a node.
func (c *Client) get(ctx context.Context, server constant.ServerConfig, path string, query url.Values, into any) error {
	if token, _ := c.agent.credentials(); token != "" {
		query.Set(constant.KEY_ACCESS_TOKEN, token)
	}
	at := place(server) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	resp, err := c.agent.do(req, c.settings.timeout)
	if err != nil {
		return fmt.Errorf("%s: %w", at, withoutURL(err))
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	status := &statusError{resp.StatusCode, resp.Status}
	switch denied := status.code == http.StatusForbidden || status.code == http.StatusUnauthorized; {
	case denied && c.settings.param.ClientConfig.Username != "":
		return fmt.Errorf("%s: %w: %w", at, ErrRefused, status)
	case status.code == http.StatusNotFound || status.code == http.StatusGone:
		return fmt.Errorf("%s: %w: %w", at, errNoSuchPath, status)
	case status.code != http.StatusOK:
		return fmt.Errorf("%s: %w", at, status)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	return nil
}

// statusError is an answer other than 200.
type statusError struct {
	code   int
	status string
}

func (e *statusError) Error() string { return e.status }

// withoutURL keeps the token, which is part of the URL, out of errors.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
