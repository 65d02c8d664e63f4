// SPDX-License-Identifier: Apache-2.0

package lifecycle

import "os"

type osSignal = os.Signal

type fakeSignal struct{}

func (fakeSignal) String() string { return "terminated" }
func (fakeSignal) Signal()        {}
