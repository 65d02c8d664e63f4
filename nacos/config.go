// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Config says where the registry is and how to speak to it. It is the Config of package nacosresolver too, so one value
// serves both. Its fields:
//
//   - Servers []string: the nodes of the registry as "host:port" of the HTTP port; gRPC is expected on port+1000. An
//     IPv6 address stands in brackets. Empty only where Customize names servers or an address server.
//   - Namespace string: the namespace's id; empty means "public".
//   - Username, Password string: the login, both or none of them. Without TLS they travel in clear text.
//   - TLS *TLS: when set, used on the gRPC and the HTTP port.
//   - Timeout time.Duration: the most that a single request may take; zero means DefaultTimeout. Less than a
//     millisecond is an error.
//   - Logger *slog.Logger: gets what the adapter has to say; nil means slog.Default(). The SDK has one logger for the
//     whole process, and the first one wins: unless the program has set one before, its lines go to the Logger of the
//     first client that connects.
//   - Customize func(*vo.NacosClientParam): changes anything else of the SDK's settings: context path, gRPC port,
//     address server, RAM keys. It is called once, when the Config is checked. UpdateCacheWhenEmpty,
//     NotLoadCacheAtStart, CacheDir, LogDir and TLSCfg.Appointed are ours whatever it does, because going offline
//     depends on them. With an address server in the place of Servers there is no second opinion by the open list;
//     a new connection gives it.
type Config = sdk.Config

// TLS says how to trust the registry, and who we are. The zero value trusts the system's roots. All files are PEM. Its
// fields:
//
//   - CAFile string: the roots to trust besides the system's; empty means the system's alone.
//   - CertFile, KeyFile string: our certificate, both or none of them.
//   - SkipVerify bool: accepts any certificate; whoever is on the way can list and withdraw instances.
//   - PlainHTTP bool: leaves the HTTP port without TLS. The registry's own switch (nacos.remote.server.rpc.tls) covers
//     the gRPC port alone; a password then travels in clear text.
type TLS = sdk.TLS

// DefaultTimeout is how long a single request to the registry may take unless Config.Timeout says otherwise.
const DefaultTimeout = sdk.DefaultTimeout

const (
	// DefaultSettle is how long after our own subscription has shown the absence other consumers may still learn of it:
	// those on other nodes of a cluster heard 1.1 s later, at most 1.2 s in 20 runs, 2.4 s on an overloaded machine
	// (2.5.1). Where one node is known 0.5 s is enough, where consumers poll over HTTP it takes 12 s.
	DefaultSettle = 3 * time.Second

	// Grace is how long an absence may last before anything is done about it. After a reconnect or a restart of the
	// registry the SDK registers again by itself, and we are absent for 0.06 to 0.9 s (2.5.1, 3.0.3, r-nacos 0.8.5).
	Grace = 3 * time.Second
	// ProbeWait is how long an instance that was registered again, or for the first time, may take to be listed. A push
	// takes 0.5 to 1 s; an instance that stays absent is not pushed at all.
	ProbeWait = 3 * time.Second
	// ConfirmWait passes before an operator's offline is believed, with one more registration in between: the registry
	// may have been restarted while it was asked.
	ConfirmWait = time.Second
	// RecheckWait is the pause before an absence that nobody could explain is looked at again and, while an operator
	// holds the instance, between two looks at whether that has ended unheard.
	RecheckWait = 10 * time.Second

	// CheckWait passes between two looks, past the subscription, at whether a registered instance is listed. A
	// subscription can die in silence: when the registry has forgotten our login, the SDK's redo after a reconnect is
	// refused, and it leaves it at that (v2.3.5).
	CheckWait = 30 * time.Second

	// AbsenceWait is how long a withdrawal may take to be seen before it is repeated.
	AbsenceWait = 1500 * time.Millisecond
	// RetryMin and RetryMax bound the growing pause between attempts to register while the registry is away.
	RetryMin = 500 * time.Millisecond
	RetryMax = 5 * time.Second // also between attempts to withdraw again what a list has brought back
	// CloseTimeout is the most that Close takes, and that a failed Register takes to clean up.
	CloseTimeout = 2 * time.Second
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
		grace: Grace, probe: ProbeWait, confirm: ConfirmWait, recheck: RecheckWait, check: CheckWait,
		absence:  AbsenceWait,
		retryMin: RetryMin, retryMax: RetryMax, close: CloseTimeout,
	}
}
