// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"context"
	"log/slog"
)

// A fedHandler hands records to another handler by a feed: a sink that blocks, a full pipe for example, holds nothing
// up, and a level of the program may look at the Manager.
type fedHandler struct {
	slog.Handler
	feed *feed
}

// Enabled leaves the question to the feed.
func (h fedHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h fedHandler) Handle(ctx context.Context, r slog.Record) error {
	ctx, r = context.WithoutCancel(ctx), r.Clone()
	h.feed.add(func() {
		if h.Handler.Enabled(ctx, r.Level) {
			_ = h.Handler.Handle(ctx, r) // nobody is left to tell, as with slog itself
		}
	})
	return nil
}

func (h fedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return fedHandler{h.Handler.WithAttrs(attrs), h.feed}
}

func (h fedHandler) WithGroup(name string) slog.Handler {
	return fedHandler{h.Handler.WithGroup(name), h.feed}
}
