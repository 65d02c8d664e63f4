// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A registry with two instances, of which the operator takes one offline.
func Example() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	// Programs under test register themselves at registry.Addr(); here the
	// server plays both.
	for _, addr := range []string{"10.0.0.1:9090", "10.0.0.2:9090"} {
		if _, err := registry.Publish("orders", addr); err != nil {
			log.Fatal(err)
		}
	}
	registry.SetEnabled("orders", "10.0.0.2:9090", false)

	for _, i := range registry.Instances("orders") {
		fmt.Println(i.Addr(), "enabled:", i.Enabled)
	}
	// Output:
	// 10.0.0.1:9090 enabled: true
	// 10.0.0.2:9090 enabled: false
}

// An operator's edit outlives the instance: what comes back on the same address
// within a minute is registered and hidden.
func ExampleServer_SetEnabled() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	stop, err := registry.Publish("orders", "10.0.0.1:9090")
	if err != nil {
		log.Fatal(err)
	}
	registry.SetEnabled("orders", "10.0.0.1:9090", false)
	stop()
	fmt.Println("after the stop:", len(registry.Instances("orders")))
	if _, err := registry.Publish("orders", "10.0.0.1:9090"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("back, enabled:", registry.Instances("orders")[0].Enabled)
	// Output:
	// after the stop: 0
	// back, enabled: false
}

// The next read of the open list fails, the one after it does not.
func ExampleServer_FailNext() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	registry.FailNext(nacostest.ErrorResponse, 1, nacostest.OpenList)
	for range 2 {
		resp, err := http.Get("http://" + registry.Addr() + "/nacos/v1/ns/instance/list?serviceName=orders")
		if err != nil {
			log.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// 500 Internal Server Error
	// 200 OK
}

// A restart loses what clients had published, and keeps the address.
func ExampleServer_Restart() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	before := registry.Addr()
	if _, err := registry.Publish("orders", "10.0.0.1:9090"); err != nil {
		log.Fatal(err)
	}
	if err := registry.Restart(10 * time.Millisecond); err != nil {
		log.Fatal(err)
	}
	fmt.Println("instances:", len(registry.Instances("orders")))
	fmt.Println("same address:", registry.Addr() == before)
	// Output:
	// instances: 0
	// same address: true
}

// Two nodes: the second hears of it a moment later, and keeps it when the first
// one dies.
func ExampleNewCluster() {
	nodes, err := nacostest.NewCluster(2, nacostest.Options{SyncDelay: 10 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	a, b := nodes[0], nodes[1]
	defer a.Close()
	defer b.Close()

	if _, err := a.Publish("orders", "10.0.0.1:9090"); err != nil {
		log.Fatal(err)
	}
	for len(b.Instances("orders")) == 0 {
		time.Sleep(time.Millisecond)
	}
	a.Kill()
	fmt.Println("on the living node:", b.Instances("orders")[0].Addr())
	// Output:
	// on the living node: 10.0.0.1:9090
}
