// SPDX-License-Identifier: Apache-2.0

//go:build !race

// Requests that fail make the SDK look whether to reconnect, with the data race
// that reconnect_test.go names.

package nacostest_test

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A failed registration is an error now and a registration later.
func TestErrorResponse(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	s.FailNext(nacostest.ErrorResponse, -1, nacostest.Register)
	if ok, err := us.RegisterInstance(registration("orders", here)); ok || err == nil {
		t.Errorf("RegisterInstance() = %v, %v, want false and an error", ok, err)
	}
	if n := s.Requests(nacostest.Register); n < 3 {
		t.Errorf("Requests(Register) = %d, want the SDK's three attempts at least", n)
	}
	s.FailNext(nacostest.ErrorResponse, 0)
	eventually(t, "the SDK to register by itself", func() bool { return len(s.Instances("orders")) == 1 })
}

func TestTimeoutHasNoEffect(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.FailNext(nacostest.Timeout, -1, nacostest.Deregister)
	began := time.Now()
	ok, err := us.DeregisterInstance(deregistration("orders", here))
	if ok || status.Code(errors.Unwrap(err)) != codes.DeadlineExceeded && status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("DeregisterInstance() = %v, %v, want false, DeadlineExceeded", ok, err)
	}
	if d := time.Since(began); d < time.Second {
		t.Errorf("DeregisterInstance() took %v, want the SDK's time limit of 1s", d)
	}
	if n := len(s.Instances("orders")); n != 1 {
		t.Errorf("Instances() has %d, want the instance to stay", n)
	}
}

func TestAnswerLostHasEffect(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.FailNext(nacostest.AnswerLost, -1, nacostest.Deregister)
	if ok, err := us.DeregisterInstance(deregistration("orders", here)); ok || err == nil {
		t.Errorf("DeregisterInstance() = %v, %v, want false and an error", ok, err)
	}
	ours.wait()
}
