// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"context"
	"log/slog"
)

// LogHandler returns a handler that hands records to h by q: a sink that blocks, a full pipe for example, holds nothing
// up, and a level of the program may call back.
func LogHandler(h slog.Handler, q *Queue) slog.Handler { return handler{h, q} }

type handler struct {
	slog.Handler
	queue *Queue
}

// Enabled leaves the question to the queue.
func (h handler) Enabled(context.Context, slog.Level) bool { return true }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	ctx, r = context.WithoutCancel(ctx), r.Clone()
	h.queue.Add(func() {
		if h.Handler.Enabled(ctx, r.Level) {
			_ = h.Handler.Handle(ctx, r) // nobody is left to tell, as with slog itself
		}
	})
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.queue}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.queue}
}
