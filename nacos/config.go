// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"log/slog"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Config says where the registry is and how to speak to it. Package nacosresolver takes the same, so one value serves
// both.
type Config struct {
	// Servers are the nodes of the registry as "host:port" of the HTTP port; gRPC is expected on port+1000. An IPv6
	// address stands in brackets. Empty only where Customize names servers or an address server.
	Servers []string
	// Namespace is the namespace's id; empty means "public".
	Namespace string
	// Username and Password are the login, both or none of them. Without TLS they travel in clear text.
	Username, Password string
	// TLS, when set, is used on the gRPC and the HTTP port.
	TLS *TLS
	// Timeout is the most that a single request may take; zero means DefaultTimeout. Less than a millisecond is an
	// error.
	Timeout time.Duration
	// Logger gets what the adapter has to say; nil means slog.Default(). The SDK has one logger for the whole process,
	// and the first one wins: unless the program has set one before, its lines go to the Logger of the first client
	// that connects.
	Logger *slog.Logger
	// Customize changes anything else of the SDK's settings: context path, gRPC port, address server, RAM keys. It is
	// called once, when the Config is checked. TLSCfg.Appointed is ours whatever it does; what is about the SDK's
	// cache, its log and its own repeating has no effect. With an address server in the place of Servers there is no
	// second opinion by the open list; a new connection gives it.
	Customize func(*vo.NacosClientParam)
}

// TLS says how to trust the registry, and who we are. The zero value trusts the system's roots. All files are PEM.
type TLS struct {
	// CAFile has the roots to trust besides the system's; empty means the system's alone.
	CAFile string
	// CertFile and KeyFile are our certificate, both or none of them.
	CertFile, KeyFile string
	// SkipVerify accepts any certificate: whoever is on the way can list and withdraw instances.
	SkipVerify bool
	// PlainHTTP leaves the HTTP port without TLS. The registry's own switch (nacos.remote.server.rpc.tls) covers the
	// gRPC port alone; a password then travels in clear text.
	PlainHTTP bool
}

// connecting is what package sdk needs of it.
func (c Config) connecting() sdk.Config {
	return sdk.Config{
		Servers: c.Servers, Namespace: c.Namespace, Username: c.Username, Password: c.Password, TLS: (*sdk.TLS)(c.TLS),
		Timeout: c.Timeout, Logger: c.Logger, Customize: c.Customize,
	}
}

// DefaultTimeout is how long a single request to the registry may take unless Config.Timeout says otherwise.
const DefaultTimeout = sdk.DefaultTimeout

const (
	// DefaultSettle is how long after our own subscription has shown the absence other consumers may still learn of it:
	// those on other nodes of a cluster heard 1.1 s later, at most 1.2 s in 20 runs, 2.4 s on an overloaded machine
	// (2.5.1). Where one node is known 0.5 s is enough, where consumers poll over HTTP it takes 12 s.
	DefaultSettle = 3 * time.Second

	// grace is how long an absence may last before anything is done about it. After a reconnect or a restart of the
	// registry the connection registers again by itself, and we are absent for 0.06 to 0.9 s (2.5.1, 3.0.3, r-nacos
	// 0.8.5).
	grace = 3 * time.Second
	// probeWait is how long an instance that was registered again, or for the first time, may take to be listed. A push
	// takes 0.5 to 1 s; an instance that stays absent is not pushed at all.
	probeWait = 3 * time.Second
	// confirmWait passes between the two looks after which an operator's offline is believed: the registry
	// may have been restarted while it was asked.
	confirmWait = time.Second
	// recheckWait is the pause before an absence that nobody could explain is looked at again and, while an operator
	// holds the instance, between two looks at whether that has ended unheard.
	recheckWait = 10 * time.Second

	// checkWait passes between two looks, past the subscription, at whether a registered instance is listed. A
	// subscription can die in silence: when the registry has forgotten our login, what is repeated after a reconnect is
	// refused, and it leaves it at that (v2.3.5).
	checkWait = 30 * time.Second

	// absenceWait is how long a withdrawal may take to be seen before it is repeated.
	absenceWait = 1500 * time.Millisecond
	// retryMin and retryMax bound the growing pause between attempts to register while the registry is away.
	retryMin = 500 * time.Millisecond
	retryMax = 5 * time.Second // also between attempts to withdraw again what a list has brought back
	// closeTimeout is the most that Close takes, and that a failed Register takes to clean up.
	closeTimeout = 2 * time.Second
)

// refusalsMost refusals in a row end a Register; a refused login ends it at once.
const refusalsMost = 3

// timing is the constants above, so that tests can be fast.
type timing struct {
	grace, probe, confirm, recheck, check time.Duration
	absence                               time.Duration
	retryMin, retryMax, close             time.Duration
}

func defaultTiming() timing {
	return timing{
		grace: grace, probe: probeWait, confirm: confirmWait, recheck: recheckWait, check: checkWait,
		absence:  absenceWait,
		retryMin: retryMin, retryMax: retryMax, close: closeTimeout,
	}
}
