// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "slices"

import "errors"

// The exit statuses of ExitCode.
const (
	exitClean  = 0
	exitFailed = 1
	exitForced = 3
)

// ExitCode returns the exit status that a program should end with when Run, or Shutdown, has returned err: 0 when no
// call was lost, 3 when calls were cut (ErrForcedStop), 1 for everything else: an OnStop hook that failed, a listener,
// a server that somebody else has stopped, a registration. A registry that could not be reached on the way out, or that
// took too long to let go, is part of err and no failure of the process: the drain was lengthened for it.
func ExitCode(err error) int {
	switch {
	case errors.Is(err, ErrForcedStop):
		return exitForced
	case isFailure(err):
		return exitFailed
	}
	return exitClean
}

// harmlessError marks an error of an offline by which no call was lost.
type harmlessError struct{ error }

func (h harmlessError) Unwrap() error { return h.error }

// isFailure tells that something in a tree of errors is not harmless.
func isFailure(err error) bool {
	switch e := err.(type) {
	case nil, harmlessError:
		return false
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(e.Unwrap(), isFailure)
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			return isFailure(inner)
		}
	}
	return true
}
