// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func deregistration(service, addr string) vo.DeregisterInstanceParam {
	r := registration(service, addr)
	return vo.DeregisterInstanceParam{Ip: r.Ip, Port: r.Port, ServiceName: service, Ephemeral: true}
}

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

func TestForbidden(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	s.FailNext(nacostest.Forbidden, -1)
	if ok, err := us.RegisterInstance(registration("orders", here)); ok || err != nil {
		t.Errorf("RegisterInstance() = %v, %v, want false, nil", ok, err)
	}
	if ok, err := us.DeregisterInstance(deregistration("orders", here)); ok || err != nil {
		t.Errorf("DeregisterInstance() = %v, %v, want false, nil", ok, err)
	}
	us.subscribe("orders") // nil, and not subscribed
	if n := len(s.Instances("orders")); n != 0 {
		t.Errorf("Instances() has %d, want none", n)
	}
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

func TestIgnored(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	s.FailNext(nacostest.Ignored, 1, nacostest.Deregister)
	us.deregister("orders", here)
	if n := len(s.Instances("orders")); n != 1 {
		t.Errorf("Instances() has %d, want the instance to stay", n)
	}
	us.deregister("orders", here)
	ours.wait()
}

func TestFailOpenList(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	list := "http://" + s.Addr() + "/nacos/v1/ns/instance/list?serviceName=orders"
	s.FailNext(nacostest.ErrorResponse, 1, nacostest.OpenList)
	s.FailNext(nacostest.Forbidden, 1, nacostest.OpenList)
	for _, want := range []int{500, 403, 200} {
		resp, err := http.Get(list)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("GET list = %d, want %d", resp.StatusCode, want)
		}
	}
	s.FailNext(nacostest.Timeout, 1, nacostest.OpenList)
	hasty := http.Client{Timeout: 100 * time.Millisecond}
	if resp, err := hasty.Get(list); err == nil {
		resp.Body.Close()
		t.Errorf("GET list = %d, want a timeout", resp.StatusCode)
	}
}

// A registration that is slow is answered late.
func TestSlowRegister(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	s.SlowRegister("orders", here, 300*time.Millisecond)
	began := time.Now()
	us.register("orders", here)
	if d := time.Since(began); d < 300*time.Millisecond {
		t.Errorf("RegisterInstance() took %v, want at least 300ms", d)
	}
	us.register("orders", there) // another address is not held
}
