// SPDX-License-Identifier: Apache-2.0

// Package naming uses the Nacos SDK directly, as programs do whose registration and discovery were
// written by hand. The example programs compare lameduck with them.
package naming

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// Service names a service in a registry.
type Service struct {
	Namespace, Group, Name string // an empty Namespace is public, an empty Group is DEFAULT_GROUP
}

// Client is one SDK client with files of its own, for one service.
type Client struct {
	sdk     naming_client.INamingClient
	service Service
	files   string
}

// Open connects to the registry at addr (host:port of its HTTP port; gRPC is at port+1000). It returns
// before the connection stands; a registry that cannot be reached shows in the calls.
func Open(addr string, service Service) (*Client, error) {
	host, port, err := hostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("naming: registry: %w", err)
	}
	files, err := os.MkdirTemp("", "lameduck-example-")
	if err != nil {
		return nil, fmt.Errorf("naming: %w", err)
	}
	config := constant.NewClientConfig(
		constant.WithNamespaceId(service.Namespace),
		constant.WithTimeoutMs(3000),
		constant.WithCacheDir(files),
		constant.WithLogDir(files),
		constant.WithLogLevel("error"),
		// Without these two the SDK never says that the last instance has gone, and the list of an
		// earlier run can stand in for the first answer.
		constant.WithUpdateCacheWhenEmpty(true),
		constant.WithNotLoadCacheAtStart(true),
	)
	config.TLSCfg.Appointed = true // else an environment variable may switch TLS on
	sdk, err := clients.NewNamingClient(vo.NacosClientParam{
		ClientConfig:  config,
		ServerConfigs: []constant.ServerConfig{{IpAddr: host, Port: port}},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("naming: new client: %w", err), os.RemoveAll(files))
	}
	return &Client{sdk: sdk, service: service, files: files}, nil
}

// Register lists addr, with metadata that consumers can read. It returns when the registry has
// accepted the registration, which is before anybody hears of it.
func (c *Client) Register(addr string, metadata map[string]string) error {
	host, port, err := hostPort(addr)
	if err != nil {
		return fmt.Errorf("naming: register: %w", err)
	}
	ok, err := c.sdk.RegisterInstance(vo.RegisterInstanceParam{
		Ip: host, Port: port, ServiceName: c.service.Name, GroupName: c.service.Group,
		Weight: 1, Enable: true, Healthy: true, Ephemeral: true, Metadata: metadata,
	})
	return result("register", addr, ok, err)
}

// Deregister takes addr off the list. It returns when the registry has accepted that, which is before
// anybody hears of it.
func (c *Client) Deregister(addr string) error {
	host, port, err := hostPort(addr)
	if err != nil {
		return fmt.Errorf("naming: deregister: %w", err)
	}
	ok, err := c.sdk.DeregisterInstance(vo.DeregisterInstanceParam{
		Ip: host, Port: port, ServiceName: c.service.Name, GroupName: c.service.Group, Ephemeral: true,
	})
	return result("deregister", addr, ok, err)
}

// Close ends the connection, and with it what this client has registered, and removes its files.
func (c *Client) Close() error {
	c.sdk.CloseClient()
	// The SDK does not say when a goroutine that writes the cache has ended, which takes a moment.
	err := os.RemoveAll(c.files)
	for range 20 {
		if err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
		err = os.RemoveAll(c.files)
	}
	return err
}

func result(call, addr string, ok bool, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("naming: %s %s: %w", call, addr, err)
	case !ok: // the SDK's way of passing on a typed refusal
		return fmt.Errorf("naming: %s %s: refused by the registry", call, addr)
	}
	return nil
}

func hostPort(addr string) (host string, port uint64, err error) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.ParseUint(number, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("address %s: port: %w", addr, err)
	}
	return host, port, nil
}
