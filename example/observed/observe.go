// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// moments are when Status is looked at, after the trigger: in settle, in quiet, and while streams and calls are waited
// for.
var moments = []time.Duration{time.Second, 5 * time.Second, 8 * time.Second}

// observe runs the instance from its start to its end.
func observe(ctx context.Context) (_ []byte, err error) {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		return nil, err
	}
	defer registry.Close()
	var i instance
	if err := i.start(ctx, registry.Addr()); err != nil {
		return nil, err
	}
	var c clients
	defer func() { err = errors.Join(err, c.close()) }()
	if err := errors.Join(c.pin(ctx, i.addr), c.stream(ctx, i.addr), c.slow(ctx, i.addr)); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)

	var out bytes.Buffer
	before, err := metrics(ctx, i.reader)
	if err != nil {
		return nil, err
	}
	trigger := time.Now()
	if err := terminate(); err != nil {
		return nil, err
	}
	time.Sleep(200 * time.Millisecond)
	if err := c.slow(ctx, i.addr); err != nil {
		return nil, err
	}
	during := ""
	for n, at := range moments {
		time.Sleep(time.Until(trigger.Add(at)))
		text, err := json.MarshalIndent(i.manager.Status(), "", "  ")
		if err != nil {
			return nil, err
		}
		section(&out, fmt.Sprintf("Status %v after the trigger", at), "json", string(text))
		if n == 1 {
			if during, err = metrics(ctx, i.reader); err != nil {
				return nil, err
			}
		}
	}
	if err := <-i.over; err != nil {
		return nil, err
	}
	var all bytes.Buffer
	section(&all, "The log", "text", i.log.String())
	all.Write(out.Bytes())
	section(&all, "Report.String()", "text", i.manager.Report().String())
	section(&all, "The metrics before the trigger", "text", before)
	section(&all, fmt.Sprintf("What of them has changed %v after the trigger", moments[1]), "text", changed(before, during))
	section(&all, "What has changed in an OnStop hook", "text", changed(before, i.inHook))
	return all.Bytes(), nil
}

func section(out *bytes.Buffer, title, language, text string) {
	fmt.Fprintf(out, "\n### %s\n\n```%s\n%s\n```\n", title, language, text)
}

// terminate sends the process what a platform sends.
func terminate() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	return self.Signal(syscall.SIGTERM)
}
