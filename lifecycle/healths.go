// SPDX-License-Identifier: Apache-2.0

package lifecycle

// bothHealths are the health services of several servers.
type bothHealths struct{ first, second Health }

func (b bothHealths) CloseTraffic()       { b.first.CloseTraffic(); b.second.CloseTraffic() }
func (b bothHealths) Drain()              { b.first.Drain(); b.second.Drain() }
func (b bothHealths) Shutdown()           { b.first.Shutdown(); b.second.Shutdown() }
func (b bothHealths) Resume()             { b.first.Resume(); b.second.Resume() }
func (b bothHealths) SetReady(ready bool) { b.first.SetReady(ready); b.second.SetReady(ready) }
func (b bothHealths) EndWatches()         { b.first.EndWatches(); b.second.EndWatches() }
