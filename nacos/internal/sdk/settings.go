// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// Settings is a Config that was checked and turned into the SDK's parameters. It does not change and is safe for
// concurrent use.
type Settings struct {
	param   vo.NacosClientParam
	tls     *tls.Config // for HTTP; nil: none
	timeout time.Duration
	log     *slog.Logger
}

// Prepare checks cfg without touching the network. Errors name the field.
func Prepare(cfg Config) (*Settings, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	servers, err := parseServers(cfg.Servers)
	if err != nil {
		return nil, err
	}
	if cfg.TLS != nil && !cfg.TLS.PlainHTTP {
		for i := range servers {
			servers[i].Scheme = constant.HTTPS_SERVER_SCHEME
		}
	}
	client := constant.NewClientConfig()
	client.TimeoutMs = uint64(cfg.timeout().Milliseconds())
	client.NamespaceId = cfg.Namespace
	client.Username, client.Password = cfg.Username, cfg.Password
	client.TLSCfg = cfg.TLS.settings()

	s := &Settings{
		param: vo.NacosClientParam{ClientConfig: client, ServerConfigs: servers},
		log:   cmp.Or(cfg.Logger, slog.Default()),
	}
	if cfg.Customize != nil {
		cfg.Customize(&s.param)
	}
	return s, s.seal()
}

// seal checks what Customize has made of the parameters and puts our own settings over it.
func (s *Settings) seal() error {
	if s.param.ClientConfig == nil {
		return errors.New("nacos: Config.Customize: it has removed ClientConfig")
	}
	client := *s.param.ClientConfig
	s.param.ClientConfig = &client
	s.param.ServerConfigs = slices.Clone(s.param.ServerConfigs)
	if client.ContextPath != "" {
		for i := range s.param.ServerConfigs {
			s.param.ServerConfigs[i].ContextPath = cmp.Or(s.param.ServerConfigs[i].ContextPath, client.ContextPath)
		}
	}
	if err := checkServers(s.param.ServerConfigs, client.Endpoint); err != nil {
		return err
	}
	if err := CheckNamespace(client.NamespaceId); err != nil {
		return fmt.Errorf("nacos: Config.Customize: ClientConfig.NamespaceId: %w", err)
	}
	if err := checkLogin(client.Username, client.Password); err != nil {
		return err
	}
	config, err := loadTLS(client.TLSCfg)
	if err != nil {
		return err
	}
	s.tls = config
	if client.TimeoutMs == 0 {
		client.TimeoutMs = uint64(DefaultTimeout.Milliseconds())
	}
	s.timeout = time.Duration(client.TimeoutMs) * time.Millisecond
	client.NamespaceId = cmp.Or(client.NamespaceId, constant.DEFAULT_NAMESPACE_ID)
	// Otherwise environment variables may switch TLS on.
	client.TLSCfg.Appointed = true
	return nil
}

// Logger is where the adapter's lines go.
func (s *Settings) Logger() *slog.Logger { return s.log }

// Namespace is the namespace's id.
func (s *Settings) Namespace() string { return s.param.ClientConfig.NamespaceId }

// Servers are the registry's nodes as "host:port", for messages; an address server counts as one.
func (s *Settings) Servers() []string {
	if len(s.param.ServerConfigs) == 0 {
		return []string{s.param.ClientConfig.Endpoint}
	}
	out := make([]string, 0, len(s.param.ServerConfigs))
	for _, c := range s.param.ServerConfigs {
		out = append(out, net.JoinHostPort(strings.Trim(c.IpAddr, "[]"), strconv.FormatUint(c.Port, 10)))
	}
	return out
}

// parameters is a copy that the SDK may write to.
func (s *Settings) parameters() vo.NacosClientParam {
	client := *s.param.ClientConfig
	return vo.NacosClientParam{
		ClientConfig:          &client,
		ServerConfigs:         slices.Clone(s.param.ServerConfigs),
		RamCredentialProvider: s.param.RamCredentialProvider,
	}
}
