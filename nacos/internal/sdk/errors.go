// SPDX-License-Identifier: Apache-2.0

package sdk

import "errors"

var (
	// ErrRefused is the registry's answer "no": (false, nil) of the SDK, most often for want of rights.
	ErrRefused = errors.New("refused by the registry")
	// ErrLogin is a username or password that the registry does not accept. It comes together with ErrRefused.
	ErrLogin = errors.New("login refused")
	// ErrClosed is the answer of a client that was closed.
	ErrClosed    = errors.New("client is closed")
	errWithdrawn = errors.New("withdrawn in the meantime")
	// ErrNoOpinion is a List that no node of the registry has answered.
	ErrNoOpinion = errors.New("no node has answered the list")
)
