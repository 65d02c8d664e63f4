// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

// DefaultTimeout is how long a single request to the registry may take. The SDK's own default is 10 s, which is more
// than a withdrawal may take in all.
const DefaultTimeout = 3 * time.Second

// Config is the Config of package nacos, where its fields are explained.
type Config struct {
	Servers            []string
	Namespace          string
	Username, Password string
	TLS                *TLS
	Timeout            time.Duration
	Logger             *slog.Logger
	Customize          func(*vo.NacosClientParam)
}

func (c Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c Config) check() error {
	if err := CheckNamespace(c.Namespace); err != nil {
		return fmt.Errorf("nacos: Config.Namespace: %w", err)
	}
	if c.Timeout < 0 || c.Timeout > 0 && c.Timeout < time.Millisecond {
		return fmt.Errorf("nacos: Config.Timeout: %v is less than a millisecond", c.Timeout)
	}
	return checkLogin(c.Username, c.Password)
}

func checkLogin(username, password string) error {
	switch {
	case username == "" && password != "":
		return errors.New("nacos: Config.Username: empty, but there is a Password")
	case username != "" && password == "":
		return errors.New("nacos: Config.Password: empty, but there is a Username")
	}
	return nil
}
