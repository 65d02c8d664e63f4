// SPDX-License-Identifier: Apache-2.0

package main

// slow are the tests that take half a second or more of real time; -short leaves them out.
var slow = []string{"TestTranscript"}
