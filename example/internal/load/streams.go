// SPDX-License-Identifier: Apache-2.0

package load

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

const (
	// beat is the time between two messages of a bidirectional stream.
	beat = 100 * time.Millisecond
	// silence is how long a stream may bring nothing before it counts as cut.
	silence = 10 * time.Second
	// reopen is the wait after a stream that was cut or could not be opened; one that the server ended
	// cleanly is opened again at once.
	reopen = 100 * time.Millisecond
)

// streams keeps a number of long streams open over a round_robin channel: the even ones
// server-streaming, the odd ones bidirectional.
type streams struct {
	conn    *grpc.ClientConn
	open    int
	counter *counter
}

func openStreams(cfg Config, counter *counter) (*streams, error) {
	conn, err := connect(cfg, serviceConfigs[Resolver])
	if err != nil {
		return nil, err
	}
	return &streams{conn: conn, open: cfg.Streams, counter: counter}, nil
}

func (s *streams) run(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	for i := range s.open {
		follow := s.serverStreaming
		if i%2 == 1 {
			follow = s.bidirectional
		}
		workers.Go(func() { s.keepOpen(ctx, follow) })
	}
}

func (s *streams) Close() error { return s.conn.Close() }

// keepOpen follows one stream after another until ctx ends.
func (s *streams) keepOpen(ctx context.Context, follow func(context.Context, *watchdog) error) {
	for ctx.Err() == nil {
		s.counter.streamOpened()
		err := s.one(ctx, follow)
		if ctx.Err() != nil {
			return // ended by us
		}
		s.counter.streamEnded(err)
		if err != nil {
			select {
			case <-time.After(reopen):
			case <-ctx.Done():
			}
		}
	}
}

func (s *streams) one(ctx context.Context, follow func(context.Context, *watchdog) error) error {
	// The server must not learn of a deadline of ctx: it would end the stream at the same moment as we do, and the
	// answer might overtake our own end.
	ended := ctx
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	defer context.AfterFunc(ended, func() { cancel(context.Cause(ended)) })()
	dog := newWatchdog(func() { cancel(errSilent) })
	defer dog.stop()
	err := follow(ctx, dog)
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case errors.Is(context.Cause(ctx), errSilent):
		return errSilent
	}
	return err
}

func (s *streams) serverStreaming(ctx context.Context, dog *watchdog) error {
	stream, err := testgrpc.NewTestServiceClient(s.conn).StreamingOutputCall(ctx, &testgrpc.StreamingOutputCallRequest{})
	if err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		dog.fed()
	}
}

func (s *streams) bidirectional(ctx context.Context, dog *watchdog) error {
	stream, err := testgrpc.NewTestServiceClient(s.conn).FullDuplexCall(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		// A failed Send only says that the stream has ended; Recv says how.
		if err := stream.Send(&testgrpc.StreamingOutputCallRequest{}); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
		dog.fed()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

var errSilent = status.Error(codes.DeadlineExceeded, "the stream brought nothing for 10 s")

// watchdog barks when it has not been fed for the time of silence.
type watchdog struct{ timer *time.Timer }

func newWatchdog(bark func()) *watchdog {
	return &watchdog{timer: time.AfterFunc(silence, bark)}
}

func (w *watchdog) fed()  { w.timer.Reset(silence) }
func (w *watchdog) stop() { w.timer.Stop() }
