// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "errors"

// giveUp is for a Register that no other try will mend.
func (k *reconciler) giveUp(err error) {
	k.stand(Unregistered, err)
	k.log.Error("not registered, and trying again is no use", "err", err)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.final, k.inUse = err, isInUse(err)
	k.notify()
}

func isPermanent(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Permanent() bool
	}](err)
	return ok && e.Permanent() || isInUse(err)
}

func isInUse(err error) bool {
	e, ok := errors.AsType[interface {
		error
		InUse() bool
	}](err)
	return ok && e.InUse()
}
