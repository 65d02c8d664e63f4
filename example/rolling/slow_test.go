// SPDX-License-Identifier: Apache-2.0

package main

// slow are the tests that a short run leaves out.
var slow = []string{
	"TestInterrupt", "TestStopLosesCalls", "TestThroughHAProxy",
}
