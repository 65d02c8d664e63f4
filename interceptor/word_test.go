// SPDX-License-Identifier: Apache-2.0

package interceptor

import "testing"

func TestWordOverflowFallsOff(t *testing.T) {
	var w word
	w.set(draining)
	w.enter()
	w.bits.Or(^(oneAdmitted - 1)) // as after 2^38 - 1 calls
	if bits := w.enter(); admitted(bits) != 0 || inFlight(bits) != 2 || bits&(refusing|draining) != draining {
		t.Errorf("enter() at the end of the sequence: admitted %d, in flight %d, flags %b, want 0, 2, draining",
			admitted(bits), inFlight(bits), bits&(refusing|draining))
	}
	w.leave()
	w.backOut()
	if bits := w.load(); admitted(bits) != 1<<38-1 || inFlight(bits) != 0 {
		t.Errorf("after leave() and backOut(): admitted %d, in flight %d, want 2^38-1, 0", admitted(bits), inFlight(bits))
	}
}
