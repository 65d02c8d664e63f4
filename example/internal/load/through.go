// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"sync/atomic"

	"google.golang.org/grpc"
)

// throughChannels is how many connections to the balancer there are.
const throughChannels = 3

// through has channels to a balancer.
type through struct {
	conns []*grpc.ClientConn
	next  atomic.Uint64
}

func openThrough(cfg Config) (*through, error) {
	t := &through{}
	for range throughChannels {
		conn, err := dial(cfg.Target)
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		t.conns = append(t.conns, conn)
	}
	return t, nil
}

func (t *through) call(ctx context.Context) error {
	return unary(ctx, t.conns[t.next.Add(1)%uint64(len(t.conns))])
}

func (t *through) Close() error {
	var errs []error
	for _, conn := range t.conns {
		errs = append(errs, conn.Close())
	}
	return errors.Join(errs...)
}
