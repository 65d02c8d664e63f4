// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"fmt"
	"strings"
)

// What the methods of Registrar return, wrapped. Test with errors.Is.
var (
	// ErrClosed: the Registrar was closed.
	ErrClosed = errors.New("haproxy: registrar is closed")
	// ErrRefused: HAProxy has said no, with the words in the error: "No such server.", "Permission denied". Nothing
	// else tells a refusal from an acceptance, which has no words at all.
	ErrRefused = errors.New("refused")
	// ErrUnconfirmed: that the balancer sends nothing any more was not seen everywhere. Every error of Deregister is
	// one.
	ErrUnconfirmed = errors.New("absence unconfirmed")
	// ErrInUse: the Registrar registers another listener already. To a lifecycle.Manager it says that the Registrar is
	// somebody else's. Of Register.
	ErrInUse = errors.New("the registrar is in use for another listener")
)

var (
	errDenied      = fmt.Errorf("%w: the socket needs level admin", ErrRefused)
	errNotKnown    = fmt.Errorf("%w: it is not in the configuration", ErrRefused)
	errWithdrawing = errors.New("haproxy: the instance is being withdrawn")
	errNewTurn     = errors.New("haproxy: a call has come in between")
	errNotShown    = errors.New("accepted, but not shown")
)

// refusal makes an error of the words that a command has said; none are its success.
func refusal(words string) error {
	words, _, _ = strings.Cut(words, "\n")
	switch words {
	case "":
		return nil
	case "Permission denied":
		return fmt.Errorf("%s %w", abridged(words), errDenied)
	case "No such server.", "No such backend.", "Can't find backend.":
		return fmt.Errorf("%s %w", abridged(words), errNotKnown)
	}
	return fmt.Errorf("%s %w", abridged(words), ErrRefused)
}

// permanentError is one that no other try will mend.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent tells that trying again is no use.
func (permanentError) Permanent() bool { return true }

// InUse tells that the Registrar is somebody else's.
func (e permanentError) InUse() bool { return errors.Is(e.error, ErrInUse) }

// withdrawalError is what Deregister returns.
type withdrawalError struct {
	what string
	err  error
}

func (e *withdrawalError) Error() string {
	return fmt.Sprintf("haproxy: deregister %s: %v: %v", e.what, ErrUnconfirmed, e.err)
}

func (e *withdrawalError) Unwrap() []error { return []error{ErrUnconfirmed, e.err} }

// Unconfirmed tells that the balancer may still send calls.
func (e *withdrawalError) Unconfirmed() bool { return true }

// Refused tells that a balancer has said no.
func (e *withdrawalError) Refused() bool { return errors.Is(e.err, ErrRefused) }

// unprovenError is what Gone returns where it cannot know.
type unprovenError struct{ error }

func (e unprovenError) Unwrap() error { return e.error }

// Unproven tells that no balancer is known to send calls, and that not each of them could be asked.
func (unprovenError) Unproven() bool { return true }
