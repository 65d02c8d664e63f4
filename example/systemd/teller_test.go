// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// An operator's offline parks: systemd would take STOPPING=1 for the end.
func TestGoes(t *testing.T) {
	drained := lifecycle.Status{}
	ending := lifecycle.Status{Deadline: time.Now()}
	for _, test := range []struct {
		state  lifecycle.State
		status lifecycle.Status
		want   bool
	}{
		{lifecycle.Starting, drained, false},
		{lifecycle.Serving, drained, false},
		{lifecycle.Serving, ending, false}, // told late of an earlier state
		{lifecycle.Draining, drained, false},
		{lifecycle.Draining, ending, true},
		{lifecycle.Stopping, ending, true},
		{lifecycle.Stopped, ending, true},
	} {
		if got := goes(test.state, test.status); got != test.want {
			t.Errorf("goes(%v) with the deadline %v = %v, want %v", test.state, test.status.Deadline, got, test.want)
		}
	}
}

func TestToldOnce(t *testing.T) {
	name := socketPath(t)
	systemd := listenAsSystemd(t, name)
	teller := newTeller(supervisor{name}, health.Register(grpc.NewServer()))
	teller.status = func() lifecycle.Status { return lifecycle.Status{Deadline: time.Now()} }
	end := teller.tellReady()
	teller.SetReady(false)
	teller.SetReady(true)
	teller.SetReady(false)
	teller.SetReady(true)
	await(t, systemd, "READY=1", 10*time.Second)
	end()
	teller.onState(lifecycle.Draining)
	teller.onState(lifecycle.Stopping)
	teller.onState(lifecycle.Stopped)
	seen := await(t, systemd, "STATUS=stopped", 10*time.Second)
	if len(seen) != 3 || seen[0] != "STATUS=draining\nSTOPPING=1" || seen[1] != "STATUS=stopping" || seen[2] != "STATUS=stopped" {
		t.Errorf("after READY=1 came %q, want STOPPING=1 with the first", seen)
	}
}
