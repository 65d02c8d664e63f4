// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
)

var process sync.Once // what it guards belongs to the process in the SDK too

// prepareProcess makes the SDK log to l instead of a file beside the program, unless the program has chosen a logger
// of the SDK before: by logger.SetLogger, or by having made a client.
func prepareProcess(l *slog.Logger) {
	process.Do(func() {
		if nobodyHasSet() {
			logger.SetLogger(bridge{l})
		}
		// It keeps the address in a variable without a lock, which two clients made at once would both write (v2.3.5).
		util.LocalIP()
	})
}

// nobodyHasSet tells whether the SDK had no logger until now. It cannot be asked: GetLogger makes one. But
// InitLogger (v2.3.5) sets one only where there is none, so it is given one that can be recognised afterwards. No
// file comes of it, since nothing is written to it.
func nobodyHasSet() bool {
	marked := logger.BuildLoggerConfig(constant.ClientConfig{})
	if err := logger.InitLogger(marked); err != nil {
		return false
	}
	current, ok := logger.GetLogger().(*logger.NacosLogger)
	if !ok || current.SugaredLogger == nil {
		return false
	}
	out := reflect.Indirect(reflect.ValueOf(current.Desugar().Core()))
	if out.Kind() != reflect.Struct {
		return false
	}
	writer := out.FieldByName("out")
	if !writer.IsValid() || writer.Kind() != reflect.Interface || writer.Elem().Kind() != reflect.Struct ||
		writer.Elem().NumField() == 0 {
		return false
	}
	file := writer.Elem().Field(0)
	return file.Kind() == reflect.Interface && file.Elem().Kind() == reflect.Pointer &&
		file.Elem().Pointer() == reflect.ValueOf(marked.LogRollingConfig).Pointer()
}

// bridge is an SDK logger. The SDK tells its whole life at info and calls every retry an error, so all of it is for
// debugging: what matters is logged by our own packages, in their words.
type bridge struct{ to *slog.Logger }

func (b bridge) Debug(args ...any)                 { b.log("", args) }
func (b bridge) Info(args ...any)                  { b.log("", args) }
func (b bridge) Warn(args ...any)                  { b.log("", args) }
func (b bridge) Error(args ...any)                 { b.log("", args) }
func (b bridge) Debugf(format string, args ...any) { b.log(format, args) }
func (b bridge) Infof(format string, args ...any)  { b.log(format, args) }
func (b bridge) Warnf(format string, args ...any)  { b.log(format, args) }
func (b bridge) Errorf(format string, args ...any) { b.log(format, args) }
func (b bridge) Close() error                      { return nil }

func (b bridge) log(format string, args []any) {
	if !b.to.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	text := fmt.Sprint(args...)
	if format != "" {
		text = fmt.Sprintf(strings.ReplaceAll(format, "%+v", "%v"), args...) // its errors print their stacks with a plus
	}
	b.to.Log(context.Background(), slog.LevelDebug, strings.TrimSpace(text), "from", "nacos-sdk-go")
}
