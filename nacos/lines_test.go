// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
)

// lines counts log lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// withoutSDK drops the SDK's lines: its logger is that of the first test that has connected, and its goroutines go on
// logging after the end of a client.
type withoutSDK struct{ slog.Handler }

func (h withoutSDK) Handle(ctx context.Context, record slog.Record) error {
	sdk := false
	record.Attrs(func(a slog.Attr) bool {
		sdk = sdk || a.Key == "from" && a.Value.String() == "nacos-sdk-go"
		return !sdk
	})
	if sdk {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

func (h withoutSDK) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withoutSDK{h.Handler.WithAttrs(attrs)}
}
