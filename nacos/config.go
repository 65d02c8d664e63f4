// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"time"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Config says where the registry is and how to speak to it.
type Config = sdk.Config

// TLS says how to trust the registry, and who we are.
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
	// RecheckWait passes before an absence that nobody could explain is looked at again, and between two looks whether
	// an operator's offline that we have not heard the end of is over.
	RecheckWait = 10 * time.Second

	// CheckWait passes between two looks, past the subscription, at whether a registered instance is listed. A
	// subscription can die in silence: when the registry has forgotten our login, the SDK's redo after a reconnect is
	// refused, and it leaves it at that (v2.3.5).
	CheckWait = 30 * time.Second

	// AbsenceWait is how long a withdrawal may take to be seen before it is repeated.
	AbsenceWait = 1500 * time.Millisecond
	// MinAge is the age that a connection must have before an instance is withdrawn on it: the SDK sends registrations
	// twice around its first connect, and the second copy must not come after the withdrawal.
	MinAge = time.Second

	// RetryMin and RetryMax bound the growing pause between attempts to register while the registry is away.
	RetryMin = 500 * time.Millisecond
	RetryMax = 5 * time.Second
	// CloseTimeout is the most that Close takes, and that a failed Register takes to clean up.
	CloseTimeout = 2 * time.Second

	// refusals in a row after which Register gives up, when it is not for the login.
	refusalsMost = 3
)

// timing is the constants above, so that tests can be fast.
type timing struct {
	grace, probe, confirm, recheck, check time.Duration
	absence, age                          time.Duration
	retryMin, retryMax, close             time.Duration
}

func defaultTiming() timing {
	return timing{
		grace: Grace, probe: ProbeWait, confirm: ConfirmWait, recheck: RecheckWait, check: CheckWait,
		absence: AbsenceWait, age: MinAge,
		retryMin: RetryMin, retryMax: RetryMax, close: CloseTimeout,
	}
}
