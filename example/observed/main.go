// SPDX-License-Identifier: Apache-2.0

// Observed takes one server offline while a slow call, a stream and a client that never lets go are there, and prints
// what can be seen of it, in Markdown: the log, Status at three moments, the Report in sentences, and the metrics before,
// during and in a hook. With -write FILE it puts that into FILE, between its two marks. docs/operations.md has it, and
// says how to read it. It takes about 12 s, needs nothing, and exits with 1 when something failed.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

func main() {
	file := flag.String("write", "", "the file to put the transcript into")
	flag.Parse()
	if err := run(context.Background(), *file); err != nil {
		fmt.Fprintln(os.Stderr, "observed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string) error {
	text, err := observe(ctx)
	if err != nil {
		return err
	}
	if file == "" {
		_, err := os.Stdout.Write(text)
		return err
	}
	return put(file, text)
}

// The transcript stands between these lines.
const (
	beginMark = "<!-- transcript -->\n"
	endMark   = "<!-- end of transcript -->\n"
)

func put(file string, text []byte) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(page), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if !begins || !ends {
		return errors.New(file + " does not have the two marks")
	}
	var out bytes.Buffer
	out.WriteString(before + beginMark)
	out.Write(text)
	out.WriteString(endMark + after)
	return os.WriteFile(file, out.Bytes(), 0o644)
}
