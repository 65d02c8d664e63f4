// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"context"
	"fmt"
	"log"
	"net"

	"github.com/lameduck-go/lameduck/health"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// The life of a server as a probe sees it. lifecycle.Manager calls Resume, Drain and EndWatches.
func Example() {
	srv := grpc.NewServer()
	hs := health.Register(srv)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go srv.Serve(lis)
	defer srv.GracefulStop()

	conn, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	probe := func(state string) {
		for _, service := range []string{"", health.Liveness} {
			resp, err := healthpb.NewHealthClient(conn).Check(context.Background(), &healthpb.HealthCheckRequest{Service: service})
			if err != nil {
				log.Fatal(err)
			}
			fmt.Printf("%s: %q is %v\n", state, service, resp.GetStatus())
		}
	}

	probe("starting")
	hs.Resume()
	probe("serving")
	hs.Drain()
	probe("draining")
	hs.EndWatches() // once GracefulStop has begun
	// Output:
	// starting: "" is NOT_SERVING
	// starting: "liveness" is SERVING
	// serving: "" is SERVING
	// serving: "liveness" is SERVING
	// draining: "" is NOT_SERVING
	// draining: "liveness" is SERVING
}
