// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

// reachTime is how long a port may take to accept a connection.
const reachTime = time.Second

// Reach looks whether the ports of the nodes accept connections, and names those that do not and why; nil when all do,
// and with an address server. What the SDK says of a registry that it cannot connect to has no address and no reason in
// it ("client not connected, current status:STARTING", v2.3.5). A node has two ports; the one of gRPC, 1000 above, is
// forgotten in containers and firewalls.
func (s *Settings) Reach(ctx context.Context) error {
	servers := s.param.ServerConfigs
	errs := make([]error, len(servers))
	var looking sync.WaitGroup
	for i, server := range servers {
		looking.Go(func() { errs[i] = reachNode(ctx, server) })
	}
	looking.Wait()
	return errors.Join(errs...)
}

// Unreachable names the ports that do not accept connections, where err is that of a call for which there was no
// connection; nil otherwise.
func (c *Client) Unreachable(ctx context.Context, err error) error {
	if wasSent(err) {
		return nil
	}
	return c.settings.Reach(ctx)
}

func reachNode(ctx context.Context, server constant.ServerConfig) error {
	host := strings.Trim(server.IpAddr, "[]")
	http := net.JoinHostPort(host, strconv.FormatUint(server.Port, 10))
	rpc := net.JoinHostPort(host, strconv.FormatUint(server.GrpcPort, 10))
	var httpErr, rpcErr error
	var dialling sync.WaitGroup
	dialling.Go(func() { httpErr = dialPort(ctx, http) })
	dialling.Go(func() { rpcErr = dialPort(ctx, rpc) })
	dialling.Wait()
	switch {
	case httpErr == nil && rpcErr == nil:
		return nil
	case httpErr == nil:
		return fmt.Errorf("cannot reach the gRPC port %s (%s answers): %w", rpc, http, rpcErr)
	case rpcErr == nil:
		return fmt.Errorf("cannot reach %s (its gRPC port %s answers): %w", http, rpc, httpErr)
	}
	return fmt.Errorf("cannot reach %s (gRPC %s): %w", http, rpc, rpcErr)
}

func dialPort(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, reachTime, fmt.Errorf("no answer within %v", reachTime))
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err == nil {
		return conn.Close()
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// The address is said already.
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if call, ok := errors.AsType[*os.SyscallError](err); ok {
		err = call.Err
	}
	return err
}
