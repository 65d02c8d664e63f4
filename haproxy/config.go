// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"
)

// Config says which server of which HAProxy the instance is.
type Config struct {
	// Backend is the name of the backend, as HAProxy's configuration has it. Letters, digits and "_.:-" are allowed, as
	// HAProxy does.
	Backend string
	// Server is the name of the server in that backend. Empty means that it is found by the address of the listener,
	// for a server-template or names that nobody knows; HAProxy must then know the instance by an address of this host.
	Server string
	// Addresses are the runtime APIs: "unix:/run/haproxy/admin.sock", "tcp:10.0.0.1:9999". There is one for each HAProxy
	// process that sends traffic to the instance. Their level must be admin. TCP has no password.
	Addresses []string
	// Timeout is the most that a single command may take; zero means DefaultTimeout. Less than a millisecond is an
	// error.
	Timeout time.Duration
	// Logger gets what the Registrar has to say; nil means slog.Default().
	Logger *slog.Logger
}

// DefaultTimeout is how long a single command to the runtime API may take unless Config.Timeout says otherwise.
const DefaultTimeout = 2 * time.Second

const (
	// lookAgain passes between two looks at the balancers: a reload forgets a drain, and operators push nothing.
	lookAgain = time.Second
	// pollPause passes between two looks while something is waited for: that a server is up, that a drain is shown.
	pollPause = 100 * time.Millisecond
	// insistFor is how long a Deregister tries again where a balancer does not answer, as in a reload, or does not show
	// what it has accepted.
	insistFor = 2 * time.Second
	// agentTurn is how long an agent-check that may undo a drain is watched: agent-inter is 2 s unless the configuration
	// says otherwise.
	agentTurn = 2500 * time.Millisecond
	// lookOnceMost is what a Deregister takes to see what an operator has done last. A balancer that does not answer is
	// not to keep the others from being told.
	lookOnceMost = 250 * time.Millisecond
	// lateMost is how long after the first answer of a HAProxy that had stood still a drain may come that it was sent
	// before.
	lateMost = 5 * time.Second
	// toldWait is the most that a Deregister waits for Watch to have told what an operator did before.
	toldWait = time.Second
	// replyMost is the largest reply that is read. A backend of ten thousand servers has 1.5 MB.
	replyMost = 8 << 20
)

// New checks cfg and returns a Registrar that has not touched the network yet. Errors name the field.
func New(cfg Config) (*Registrar, error) {
	if err := checkName(cfg.Backend); err != nil {
		return nil, fmt.Errorf("haproxy: Config.Backend: %w", err)
	}
	if cfg.Server != "" {
		if err := checkName(cfg.Server); err != nil {
			return nil, fmt.Errorf("haproxy: Config.Server: %w", err)
		}
	}
	switch {
	case cfg.Timeout == 0:
		cfg.Timeout = DefaultTimeout
	case cfg.Timeout < time.Millisecond:
		return nil, fmt.Errorf("haproxy: Config.Timeout: %v is less than a millisecond", cfg.Timeout)
	}
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("haproxy: Config.Addresses is empty")
	}
	var balancers []*balancer
	seen := map[string]bool{}
	for i, address := range cfg.Addresses {
		network, place, err := parseAddress(address)
		if err == nil && seen[address] {
			err = fmt.Errorf("%q stands there twice", address)
		}
		if err != nil {
			return nil, fmt.Errorf("haproxy: Config.Addresses[%d]: %w", i, err)
		}
		seen[address] = true
		balancers = append(balancers, &balancer{runtimeAPI: runtimeAPI{
			name: address, network: network, address: place, timeout: cfg.Timeout, dial: new(net.Dialer).DialContext,
		}})
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return newRegistrar(cfg, balancers), nil
}

// checkName: a semicolon, a space or a newline would begin another word or another command.
func checkName(name string) error {
	if name == "" {
		return errors.New("the name is empty")
	}
	for _, c := range name {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("_.:-", c):
		default:
			return fmt.Errorf("%q has %q: HAProxy's names are made of letters, digits and _.:-", name, c)
		}
	}
	return nil
}

// parseAddress reads "unix:PATH" and "tcp:HOST:PORT".
func parseAddress(s string) (network, address string, err error) {
	network, address, _ = strings.Cut(s, ":")
	switch network {
	case "unix":
		if address == "" {
			return "", "", fmt.Errorf("%q has no path", s)
		}
		return network, address, nil
	case "tcp":
		host, number, err := net.SplitHostPort(address)
		if err != nil || host == "" {
			return "", "", fmt.Errorf("%q is not tcp:HOST:PORT", s)
		}
		if port, err := strconv.ParseUint(number, 10, 16); err != nil || port == 0 {
			return "", "", fmt.Errorf("%q: port %q is not a number from 1 to 65535", s, number)
		}
		return network, address, nil
	}
	return "", "", fmt.Errorf(`%q is neither "unix:PATH" nor "tcp:HOST:PORT"`, s)
}
