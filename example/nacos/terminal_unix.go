// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

// ignoreTerminal keeps the program running behind an "&": a process in the background that reads its terminal would be
// stopped. It reads the end of its input instead.
func ignoreTerminal() { signal.Ignore(syscall.SIGTTIN) }
