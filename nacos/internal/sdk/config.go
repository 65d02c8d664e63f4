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

// Config says where the registry is and how to speak to it.
type Config struct {
	// Servers are the nodes of the registry as "host:port" of the HTTP port; gRPC is expected on port+1000. An IPv6
	// address stands in brackets. It may be empty if Customize names servers or an address server.
	Servers []string
	// Namespace is the namespace's id; empty means "public".
	Namespace string
	// Username and Password log in, both or none of them. Without TLS they travel in clear text.
	Username, Password string
	// TLS, when set, is used on the gRPC and the HTTP port.
	TLS *TLS
	// Timeout bounds a single request; zero means DefaultTimeout. Less than a millisecond is an error.
	Timeout time.Duration
	// Logger gets what the adapter has to say; nil means slog.Default(). The SDK has one logger for the whole process,
	// and the first one wins: unless the program has set one before, the SDK's lines go to the Logger of the first
	// client that connects.
	Logger *slog.Logger
	// Customize changes anything else of the SDK's settings: context path, gRPC port, address server, RAM keys. It is
	// called once, when the Config is checked. TLSCfg.Appointed is ours whatever it does; what is about the SDK's cache,
	// its log and its own repeating has no effect.
	Customize func(*vo.NacosClientParam)
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
