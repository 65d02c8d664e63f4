// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/lameduck-go/lameduck/example/internal/load"
)

// recordPrefix is that of the files in which backends write down the calls that they have run.
const recordPrefix = "ran-"

// recording returns the option of a server that writes down the name of each call before it runs it: without an error
// to be seen, nothing else tells that a call was run twice. With no file it returns nothing.
func recording(file string) ([]grpc.ServerOption, error) {
	if file == "" {
		return nil, nil
	}
	out, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // open until the process ends
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	record := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
		for _, name := range metadata.ValueFromIncomingContext(ctx, load.CallName) {
			mu.Lock()
			_, err := fmt.Fprintln(out, name)
			mu.Unlock()
			if err != nil {
				return nil, err
			}
		}
		return handler(ctx, req)
	}
	return []grpc.ServerOption{grpc.ChainUnaryInterceptor(record)}, nil
}

// countTwice counts, for each kind of client, how many times a call was run that had been run before, by any backend of
// the strategy.
func countTwice(dir string, strategy Strategy) (map[load.Kind]uint64, error) {
	files, err := filepath.Glob(filepath.Join(dir, recordPrefix+string(strategy)+"-*"))
	if err != nil {
		return nil, err
	}
	ran, twice := map[string]bool{}, map[load.Kind]uint64{}
	for _, file := range files {
		err := eachLine(file, func(name string) {
			kind, _, _ := strings.Cut(name, "-")
			if ran[name] {
				twice[load.Kind(kind)]++
			}
			ran[name] = true
		})
		if err != nil {
			return nil, err
		}
	}
	if len(ran) == 0 {
		return nil, errors.New("no backend has written down what it ran")
	}
	return twice, nil
}

func eachLine(file string, do func(string)) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		do(lines.Text())
	}
	return lines.Err()
}
