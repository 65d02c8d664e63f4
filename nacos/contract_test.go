// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"os"
	"testing"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The suite below is what every registry has to show. It runs on nacostest, and on the real server whose HTTP port
// NACOS_TEST_ADDR names as host:port; NACOS_TEST_REQUIRED=1 makes it a failure when that is not set.
// NACOS_TEST_USERNAME and NACOS_TEST_PASSWORD are those of an administrator, where the server wants a login.
const (
	realServer = "NACOS_TEST_ADDR"
	required   = "NACOS_TEST_REQUIRED"
	username   = "NACOS_TEST_USERNAME"
	password   = "NACOS_TEST_PASSWORD"
)

func TestContract(t *testing.T) {
	t.Parallel()
	t.Run("nacostest", func(t *testing.T) {
		t.Parallel()
		registry := nacostest.Start(t)
		testContract(t, backend{kind: imitation, addr: registry.Addr(), setEnabled: registry.SetEnabled})
	})
	t.Run("nacostest with a login", func(t *testing.T) {
		t.Parallel()
		registry := nacostest.Start(t, nacostest.Options{Auth: login})
		b := backend{kind: imitation, addr: registry.Addr(), username: login.Username, password: login.Password}
		b.setEnabled = func(service, addr string, enabled bool) { b.switchOverHTTP(t, service, addr, enabled) }
		testContract(t, b)
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		addr := os.Getenv(realServer)
		switch {
		case addr != "":
			testContract(t, openBackend(t, addr))
		case os.Getenv(required) == "1":
			t.Fatalf("%s is not set, and %s=1 wants it", realServer, required)
		default:
			t.Skipf("%s is not set: no real server to test with", realServer)
		}
	})
}

func testContract(t *testing.T, b backend) {
	for name, test := range map[string]func(*testing.T, backend){
		"Register returns once listed":                      registerIsSeen,
		"Deregister returns once absent":                    deregisterIsSeen,
		"register again after deregister":                   registerAgain,
		"operator offline and online":                       operatorIsHeard,
		"operator's flag and the instance's next life":      operatorIsRemembered,
		"what is held is told, listed or not":               heldIsTold,
		"deregister leaves another instance alone":          neighbourStays,
		"two ports of one process":                          twoPorts,
		"a group of its own":                                groupIsItsOwn,
		"Update of the weight is shown":                     weightIsUpdated,
		"Update of the metadata is shown, or the first one": metadataIsUpdated,
		"Close removes":                                     closeIsSeen,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}
