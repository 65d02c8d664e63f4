// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"os"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The tests of this file, TestSpoofEmptyList and TestSkewClock show what package nacos does not use of the SDK, and
// why. When one of them fails, the SDK has mended it: see "The Nacos SDK" in CONTRIBUTING.md for what need not be done
// any more.

const mended = "the SDK has mended this: see The Nacos SDK in CONTRIBUTING.md"

// What cannot be shown by a test (data races, nacos-sdk-go#905, #908, and the map of clients) may have been mended by
// any other version.
func TestSDKVersion(t *testing.T) {
	if want := "Nacos-Go-Client:v2.3.5"; constant.CLIENT_VERSION != want {
		t.Errorf("the SDK is %s, want %s: %s", constant.CLIENT_VERSION, want, mended)
	}
}

// TestSDKKeepsItsPort is not parallel: it counts the ports of the process.
func TestSDKKeepsItsPort(t *testing.T) {
	s := nacostest.Start(t, quick)
	before := len(sdkPorts(t))
	us := dial(t, s.Addr())
	us.CloseClient()
	time.Sleep(time.Second) // the client has ended by then
	if n := len(sdkPorts(t)); n != before+1 {
		t.Errorf("%d UDP ports after a client was closed, %d before it was made: %s", n, before, mended)
	}
}

func TestSDKWritesLists(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	dir := t.TempDir()
	us := dialWith(t, func(p *vo.NacosClientParam) { p.ClientConfig.CacheDir = dir }, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	for range 100 {
		if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("no file in the cache directory: %s", mended)
}

func TestSDKHidesARefusedSubscription(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	us := dial(t, s.Addr())
	s.FailNext(nacostest.Forbidden, -1, nacostest.Subscribe)
	err := us.Subscribe(&vo.SubscribeParam{ServiceName: "orders", SubscribeCallback: func([]model.Instance, error) {}})
	if err != nil {
		t.Errorf("Subscribe() = %v: %s", err, mended)
	}
}
