// SPDX-License-Identifier: Apache-2.0

package serial

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
)

// The handler is handed on what loggers do to it, and asked for the level; a context that has ended is no reason to
// drop a line.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	var lines Queue
	handler := slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	log := slog.New(LogHandler(contextual{handler}, &lines)).With("a", 1).WithGroup("g").With("b", 2)
	log.InfoContext(ended, "not asked for")
	log.WarnContext(ended, "line", "c", 3)
	<-lines.Done()
	if got, want := out.String(), `{"level":"WARN","msg":"line","a":1,"g":{"b":2,"c":3}}`+"\n"; got != want {
		t.Errorf("log = %s, want %s", got, want)
	}
}

// contextual drops the lines whose context has ended.
type contextual struct{ slog.Handler }

func (h contextual) Handle(ctx context.Context, r slog.Record) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return h.Handler.Handle(ctx, r)
}

func (h contextual) WithAttrs(attrs []slog.Attr) slog.Handler {
	return contextual{h.Handler.WithAttrs(attrs)}
}

func (h contextual) WithGroup(name string) slog.Handler { return contextual{h.Handler.WithGroup(name)} }
