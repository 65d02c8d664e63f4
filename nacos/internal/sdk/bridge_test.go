// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The SDK's logger belongs to the process, so each case runs in a process of its own: this test binary, which finds
// the case's name in the environment.
const loggerCase = "LAMEDUCK_LOGGER_CASE"

var loggerCases = map[string]func(t *testing.T, registry *nacostest.Server, dir string){
	"nobody has set one": func(t *testing.T, registry *nacostest.Server, _ string) {
		var log text
		useClient(t, registry, &log)
		if !strings.Contains(log.String(), "nacos-sdk-go") {
			t.Errorf("log %q, want lines of the SDK", log.String())
		}
	},
	"the first client's logger stays": func(t *testing.T, registry *nacostest.Server, _ string) {
		var first, second text
		useClient(t, registry, &first)
		useClient(t, registry, &second)
		if strings.Contains(second.String(), "nacos-sdk-go") {
			t.Errorf("log of the second client %q, want no line of the SDK", second.String())
		}
	},
	"a config client of the user's keeps its log": func(t *testing.T, registry *nacostest.Server, dir string) {
		config, err := clients.NewConfigClient(vo.NacosClientParam{
			ClientConfig:  constant.NewClientConfig(constant.WithLogDir(dir), constant.WithCacheDir(dir)),
			ServerConfigs: []constant.ServerConfig{{IpAddr: "127.0.0.1", Port: 1}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer config.CloseClient()
		var log text
		useClient(t, registry, &log)
		if strings.Contains(log.String(), "nacos-sdk-go") {
			t.Errorf("log %q, want no line of the SDK", log.String())
		}
		text, err := os.ReadFile(filepath.Join(dir, constant.LOG_FILE_NAME))
		if err != nil || !strings.Contains(string(text), "lameduck-") {
			t.Errorf("the user's log file: %v, %d bytes; want our client's lines in it", err, len(text))
		}
	},
	"a logger of the user's stays": func(t *testing.T, registry *nacostest.Server, _ string) {
		mine := &countingLogger{Logger: bridge{slog.New(slog.DiscardHandler)}}
		logger.SetLogger(mine)
		var log text
		useClient(t, registry, &log)
		if mine.lines.Load() == 0 || logger.GetLogger() != logger.Logger(mine) || strings.Contains(log.String(), "nacos-sdk-go") {
			t.Errorf("the user's logger has %d lines, ours %q; want all of them with the user's", mine.lines.Load(), log.String())
		}
	},
}

type countingLogger struct {
	logger.Logger
	lines atomic.Int64
}

func (l *countingLogger) Infof(string, ...any) { l.lines.Add(1) }

// text is a buffer for a logger that the SDK's goroutines write to even after the end of a client.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// useClient connects, subscribes and closes.
func useClient(t *testing.T, registry *nacostest.Server, log *text) {
	t.Helper()
	c := connect(t, Config{
		Servers: []string{registry.Addr()},
		Logger:  slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	next(t, lists(t, c, "orders"), 0)
	if err := c.Close(t.Context()); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
}

func TestSDKLogger(t *testing.T) {
	if name := os.Getenv(loggerCase); name != "" {
		loggerCases[name](t, nacostest.Start(t), os.Getenv("LAMEDUCK_LOGGER_DIR"))
		return
	}
	for name := range loggerCases {
		t.Run(name, func(t *testing.T) {
			dir, logs, tmp := t.TempDir(), t.TempDir(), t.TempDir()
			// The SDK's own places for log and cache are beside the program.
			program := filepath.Join(dir, "program")
			copyFile(t, os.Args[0], program)
			// All copies are made before the first one starts: a fork meanwhile would hold a file open that is to be
			// executed, which is "text file busy".
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestSDKLogger$", "-test.v")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), loggerCase+"="+name, "LAMEDUCK_LOGGER_DIR="+logs, "TMPDIR="+tmp)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("beside the program: %v, %v; want nothing", entries, err)
			}
			if left, err := os.ReadDir(tmp); err != nil || len(left) != 0 {
				t.Errorf("in the temporary directory: %v, %v; want nothing", left, err)
			}
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o700); err != nil {
		t.Fatal(err)
	}
}
