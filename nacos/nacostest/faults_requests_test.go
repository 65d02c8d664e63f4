// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func deregistration(service, addr string) vo.DeregisterInstanceParam {
	r := registration(service, addr)
	return vo.DeregisterInstanceParam{Ip: r.Ip, Port: r.Port, ServiceName: service, Ephemeral: true}
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
