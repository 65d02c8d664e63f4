// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"fmt"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// What the methods of Registrar return, wrapped. Test with errors.Is.
var (
	// ErrClosed: the Registrar was closed.
	ErrClosed = errors.New("nacos: registrar is closed")
	// ErrRefused: the registry has said no, most often for want of rights.
	ErrRefused = sdk.ErrRefused
	// ErrLogin: the registry does not accept username and password.
	ErrLogin = sdk.ErrLogin
	// ErrUnconfirmed: the instance was withdrawn, as far as we can, but its absence was not seen. Every error of
	// Deregister is one.
	ErrUnconfirmed = errors.New("absence unconfirmed")
	// ErrSecondOwner: somebody else registers our address too, so that it stays listed without us. It comes together
	// with ErrUnconfirmed.
	ErrSecondOwner = errors.New("another client registers the same address")
)

// ErrInUse: the Registrar registers another listener already. It is made for one instance; a second one needs a
// Registrar of its own. To a lifecycle.Manager it says that the Registrar is somebody else's. Of Register.
var ErrInUse = errors.New("the registrar is in use for another listener")

// permanentError is one that no other try will mend.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent tells that trying again is no use.
func (permanentError) Permanent() bool { return true }

// InUse tells that the Registrar is somebody else's.
func (e permanentError) InUse() bool { return errors.Is(e.error, ErrInUse) }

// Causes of ended calls.
var (
	errWithdrawing   = errors.New("nacos: the instance is being withdrawn")
	errNotListed     = errors.New("registered, but not listed, and nobody can say why")
	errWithoutEffect = errors.New("the registry has accepted the registration, and does not hold it")
)

// withdrawalError is what Deregister returns.
type withdrawalError struct {
	what string // the instance
	err  error
}

func (e *withdrawalError) Error() string {
	return fmt.Sprintf("nacos: deregister %s: %v: %v", e.what, ErrUnconfirmed, e.err)
}

func (e *withdrawalError) Unwrap() []error { return []error{ErrUnconfirmed, e.err} }

// Unconfirmed tells that consumers may still have the address.
func (e *withdrawalError) Unconfirmed() bool { return true }

// Refused tells that the registry has said no.
func (e *withdrawalError) Refused() bool { return errors.Is(e.err, ErrRefused) }
