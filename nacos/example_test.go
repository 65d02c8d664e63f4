// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// A registry inside the process stands in for a real one.
func Example() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()

	registrar, err := nacos.New(
		nacos.Config{Servers: []string{registry.Addr()}},
		nacos.Instance{Service: "orders", Metadata: map[string]string{"version": "1.4.2"}},
	)
	if err != nil {
		log.Fatal(err)
	}
	defer registrar.Close()

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close() // a server would serve on it before it registers

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := registrar.Register(ctx, listener.Addr()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("listed:", registry.Instances("orders")[0].Addr() == listener.Addr().String())

	if err := registrar.Deregister(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("listed:", len(registry.Instances("orders")) > 0)
	// Output:
	// listed: true
	// listed: false
}

// An operator's switch in the console is told from all other absences.
func ExampleRegistrar_Watch() {
	registry, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer registry.Close()
	registrar, err := nacos.New(nacos.Config{Servers: []string{registry.Addr()}}, nacos.Instance{Service: "orders", Addr: "10.0.0.7:9090"})
	if err != nil {
		log.Fatal(err)
	}
	defer registrar.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := registrar.Register(ctx, nil); err != nil { // Addr says everything
		log.Fatal(err)
	}
	_ = registrar.Watch(ctx, func(online bool) {
		fmt.Println("online:", online)
		if online {
			registry.SetEnabled("orders", "10.0.0.7:9090", false)
			return
		}
		cancel()
	})
	// Output:
	// online: true
	// online: false
}

// Customize reaches what Config has no field for.
func ExampleConfig_customize() {
	_, err := nacos.New(nacos.Config{
		Servers:  []string{"nacos.internal:443"},
		Username: "shop",
		Password: "secret",
		TLS:      &nacos.TLS{},
		Customize: func(p *vo.NacosClientParam) {
			p.ServerConfigs[0].ContextPath = "/registry"
			p.ServerConfigs[0].GrpcPort = 9443
		},
	}, nacos.Instance{Service: "orders"})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleNew_error() {
	_, err := nacos.New(nacos.Config{Servers: []string{"10.0.0.1"}}, nacos.Instance{Service: "orders"})
	fmt.Println(err)
	// Output: nacos: Config.Servers[0] "10.0.0.1": port missing, want host:port as in 10.0.0.1:8848
}
