// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

func instances(addrs ...string) []sdk.Instance {
	var out []sdk.Instance
	for _, a := range addrs {
		out = append(out, sdk.Instance{Ip: a, Port: 1, Weight: 1, Healthy: true, Enable: true})
	}
	return out
}

// looking is a feed without its goroutine, that counts connections. The registry cannot be reached.
func looking(t *testing.T) (f *feed, connections *int) {
	t.Helper()
	settings, err := sdk.Prepare(sdk.Config{Servers: []string{"127.0.0.1:1"}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	connections = new(int)
	ctx, cancel := context.WithCancel(t.Context())
	f = &feed{
		query:     query{service: "orders", group: sdk.DefaultGroup},
		connect:   func() *sdk.Client { *connections++; return settings.NewClient() },
		log:       slog.New(slog.DiscardHandler),
		cancel:    cancel,
		followers: map[*follower]bool{},
	}
	f.open(ctx)
	t.Cleanup(func() { _ = f.close() })
	return f, connections
}

func TestSecondLook(t *testing.T) {
	a, b := instances("10.0.0.1"), instances("10.0.0.2")
	weighed := instances("10.0.0.1")
	weighed[0].Weight = 2
	moved := instances("10.0.0.1")
	moved[0].ClusterName = "other"
	type seen struct {
		heard, listed []sdk.Instance
		err           error
	}
	for name, tc := range map[string]struct {
		looks []seen
		want  int // connections that were made for it
	}{
		"the same":                       {[]seen{{a, a, nil}, {a, a, nil}, {a, a, nil}}, 0},
		"differs once":                   {[]seen{{a, b, nil}, {a, a, nil}, {a, b, nil}}, 0},
		"differs twice":                  {[]seen{{a, b, nil}, {a, b, nil}}, 1},
		"another weight":                 {[]seen{{a, weighed, nil}, {a, weighed, nil}}, 1},
		"another cluster":                {[]seen{{a, moved, nil}, {a, moved, nil}}, 1},
		"nobody answers":                 {[]seen{{a, nil, errors.New("away")}, {a, nil, errors.New("away")}}, 0},
		"an empty list says nothing":     {[]seen{{a, nil, nil}, {a, nil, nil}}, 0},
		"nodes disagree":                 {[]seen{{a, b, nil}, {a, b, nil}, {a, b, nil}, {a, b, nil}, {a, b, nil}, {a, b, nil}}, 1},
		"they agree, and one is blind":   {[]seen{{a, b, nil}, {a, b, nil}, {b, b, nil}, {b, a, nil}, {b, a, nil}}, 2},
		"it was heard while we looked":   {[]seen{{a, b, nil}, {b, b, nil}, {b, a, nil}}, 0},
		"nothing heard, something there": {[]seen{{nil, b, nil}, {nil, b, nil}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, connections := looking(t)
			for _, s := range tc.looks {
				f.heard, f.spoken = s.heard, true
				f.due = nil
				f.compare(t.Context(), look{f.round, s.listed, s.err})
			}
			if got := *connections - 1; got != tc.want {
				t.Errorf("%d new connections, want %d", got, tc.want)
			}
		})
	}
	t.Run("a list that came meanwhile", func(t *testing.T) {
		t.Parallel()
		f, connections := looking(t)
		for range 3 {
			round := f.round
			f.take(a)
			f.compare(t.Context(), look{round, b, nil})
		}
		if *connections != 1 {
			t.Errorf("%d new connections, want none: the look was about an older list", *connections-1)
		}
	})
}
