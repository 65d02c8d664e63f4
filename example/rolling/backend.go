// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"time"

	"github.com/lameduck-go/lameduck/example/internal/flags"
	"github.com/lameduck-go/lameduck/example/internal/naming"
	"github.com/lameduck-go/lameduck/example/internal/testservice"
)

// backendEnv holds the spec of a backend in a process that is to be one.
const backendEnv = "LAMEDUCK_ROLLING_BACKEND"

// idKey is the key of the metadata that shows a person which process is behind an address.
const idKey = "backend"

// spec says what a backend is to be.
type spec struct {
	ID       string
	Strategy Strategy
	Nacos    string
	Service  naming.Service
	Listen   string
	Settle   *time.Duration // nil: what the registry needs
	Report   string         // file for the report of the strategies with lameduck
	Socket   string         // of HAProxy's runtime API, in the place of Nacos
	Server   string         // of HAProxy
	Record   string         // file for the names of the calls that were run; empty: none
}

// work is how long a backend's unary calls take.
var work = testservice.Work{Max: 20 * time.Millisecond}

func isBackend() bool { return os.Getenv(backendEnv) != "" }

func (s spec) env() (string, error) {
	text, err := json.Marshal(s)
	return backendEnv + "=" + string(text), err
}

// backendMain is main in a backend: it serves, prints one line with its address, and goes offline on SIGTERM.
func backendMain() int {
	// An interrupt from the keyboard reaches every process of the terminal; the demo itself ends its backends.
	signal.Ignore(os.Interrupt)
	// Stdin is a pipe that nobody writes to. It ends when the demo has died, however that came about.
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(flags.ExitError)
	}()
	if err := backend(); err != nil {
		fmt.Fprintf(os.Stderr, "backend: %v\n", err)
		return flags.ExitError
	}
	return 0
}

func backend() error {
	var s spec
	if err := json.Unmarshal([]byte(os.Getenv(backendEnv)), &s); err != nil {
		return fmt.Errorf("%s: %w", backendEnv, err)
	}
	lis, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	defer lis.Close()
	switch s.Strategy {
	case Strict, Lossless, Recreate:
		return serveLameduck(s, lis)
	default:
		return servePlain(s, lis)
	}
}

// ready tells the demo that the backend serves and heeds SIGTERM.
func ready(lis net.Listener) {
	fmt.Printf("%s%s\n", readyPrefix, lis.Addr())
}

const readyPrefix = "listening on "
