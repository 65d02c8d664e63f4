// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"
)

// A runtimeAPI is the runtime API of one HAProxy process. Each command has a connection of its own, which HAProxy closes
// behind its reply.
type runtimeAPI struct {
	name             string // as in Config.Addresses
	network, address string
	timeout          time.Duration
	dial             func(ctx context.Context, network, address string) (net.Conn, error)
}

// onOurHost tells that the HAProxy runs on this host, as far as its address says.
func (a *runtimeAPI) onOurHost() bool {
	if a.network == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(a.address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var (
	errNoReply = errors.New("no reply in time")
	errTooLong = fmt.Errorf("a reply of more than %d bytes", replyMost)
)

// ask sends one line and returns all of the reply. sent tells, with an error, that the line may be carried out all the
// same.
func (a *runtimeAPI) ask(ctx context.Context, line string) (reply string, sent bool, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, a.timeout, fmt.Errorf("%w (%v)", errNoReply, a.timeout))
	defer cancel()
	conn, err := a.dial(limited, a.network, a.address)
	if err != nil {
		return "", false, because(limited, err)
	}
	defer conn.Close()
	defer context.AfterFunc(limited, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := io.WriteString(conn, line+"\n"); err != nil {
		return "", true, because(limited, err)
	}
	all, err := io.ReadAll(io.LimitReader(conn, replyMost+1))
	switch {
	case err != nil:
		return "", true, because(limited, err)
	case len(all) > replyMost:
		return "", true, errTooLong
	}
	return string(all), true, nil
}

// because is why: a connection only says that its deadline has passed.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
