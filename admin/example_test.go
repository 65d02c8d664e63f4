// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/interceptor"
	"github.com/lameduck-go/lameduck/lifecycle"
)

func loopbackListener() net.Listener {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	return lis
}

// show prints the code of an answer.
func show(method string, lis net.Listener, target string) {
	req, err := http.NewRequest(method, "http://"+lis.Addr().String()+target, nil)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	fmt.Println(method, target, resp.StatusCode)
}

// Control on a server of its own, on loopback. WithAdmin stops it after everything else, so that who waits for the
// shutdown is answered.
func ExampleHandler() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	states := make(chan lifecycle.State, 5)
	control, lis := &http.Server{}, loopbackListener()
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithSettle(100*time.Millisecond), // nobody looks for this address in a registry
		lifecycle.WithQuiet(50*time.Millisecond),
		lifecycle.WithAdmin(lifecycle.HTTPServer(control), lis),
		lifecycle.WithOnState(func(s lifecycle.State) { states <- s }),
	)
	control.Handler = admin.Handler(manager)

	var operator sync.WaitGroup
	operator.Go(func() {
		<-states                               // serving
		show("POST", lis, "/drain?wait=30s")   // curl --fail-with-body -X POST localhost:9090/drain?wait=30s
		show("GET", lis, "/trafficz?gone=404") // HAProxy
		show("POST", lis, "/shutdown?wait=30s")
	})
	err := manager.Run(context.Background(), loopbackListener())
	operator.Wait()
	fmt.Println(manager.Status().State, err)
	// Output:
	// POST /drain?wait=30s 200
	// GET /trafficz?gone=404 404
	// POST /shutdown?wait=30s 200
	// stopped <nil>
}

// Probes on the address of the pod. A signal, here the end of a context, leaves readiness as it is, and not traffic.
func ExampleProbes() {
	var tracker interceptor.Tracker
	srv := grpc.NewServer(tracker.ServerOptions()...)
	states := make(chan lifecycle.State, 5)
	probes, lis := &http.Server{}, loopbackListener()
	manager := lifecycle.New(srv,
		lifecycle.WithCalls(&tracker),
		lifecycle.WithHealth(health.Register(srv)),
		lifecycle.WithAdmin(lifecycle.HTTPServer(probes), lis),
		lifecycle.WithOnState(func(s lifecycle.State) { states <- s }),
	)
	probes.Handler = admin.Probes(manager)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- manager.Run(ctx, loopbackListener()) }()

	for range 2 {
		fmt.Println(<-states)
		for _, probe := range []string{"/livez", "/readyz", "/trafficz"} {
			show("GET", lis, probe)
		}
		cancel()
	}
	manager.Force() // the example does not wait for the rest
	<-result
	// Output:
	// serving
	// GET /livez 200
	// GET /readyz 200
	// GET /trafficz 200
	// draining
	// GET /livez 200
	// GET /readyz 200
	// GET /trafficz 503
}
