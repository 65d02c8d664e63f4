// SPDX-License-Identifier: Apache-2.0

package nacos

import "time"

// CheckEvery shortens CheckWait before the first Register.
func (r *Registrar) CheckEvery(d time.Duration) { r.machine.t.check = d }
