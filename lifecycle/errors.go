// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "errors"

// What the methods of Manager return, wrapped with the phase and the number that matters. Test with errors.Is.
var (
	// ErrForcedStop: RPCs were cut, or phases were skipped, because the budget ran out or somebody forced it. Of Run
	// and Shutdown.
	ErrForcedStop = errors.New("lifecycle: forced stop")
	// ErrNotQuiet: calls still arrive at the end of the quiet limit. The instance stays draining. Of Drain.
	ErrNotQuiet = errors.New("lifecycle: not quiet")
	// ErrOfflineByOperator: an operator holds the instance offline at every registrar; only an operator can end that.
	// Of Resume.
	ErrOfflineByOperator = errors.New("lifecycle: offline by operator")
	// ErrStopping: Shutdown has begun, and there is no way back. Of Run, Start, Drain and Resume.
	ErrStopping = errors.New("lifecycle: shutting down")
	// ErrResumed: the drain that the caller waited for was undone by Resume. Of Drain.
	ErrResumed = errors.New("lifecycle: drain undone")
	// ErrFromHandler: the context is that of a call which would be waited for, so that the caller waits for itself.
	// Nothing was begun; go m.Shutdown(context.Background()) begins it. Of Shutdown, and of Drain with Strict.
	ErrFromHandler = errors.New("lifecycle: called from a handler that it would wait for")
	// ErrLastInstance: no registrar that knows the others lists a usable one. Nothing was changed. Of Drain.
	ErrLastInstance = errors.New("lifecycle: no other usable instance is listed")
	// ErrDrainedAgain: the instance was drained again before it was registered. Of Resume.
	ErrDrainedAgain = errors.New("lifecycle: drained again")
)

// What ends the patience of an offline, as context causes.
var (
	errBudget = errors.New("the budget ran out")
	errForce  = errors.New("forced by a second signal or Force")
	errOver   = errors.New("the instance has stopped")
	errLeft   = errors.New("all servers say that they have stopped, and calls go on")

	errBegunAnew = errors.New("lifecycle: drain begun anew")
)

// errWithdrawLimit is the cause that a registrar sees when its share of the budget is used up.
var errWithdrawLimit = errors.New("lifecycle: withdraw's share of the budget is used up")
