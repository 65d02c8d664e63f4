// SPDX-License-Identifier: Apache-2.0

package nacosresolver_test

import (
	"log"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/lameduck-go/lameduck/nacos/nacosresolver"
)

func ExampleNewBuilder() {
	conn, err := grpc.NewClient("nacos:///orders?group=shop",
		grpc.WithResolvers(nacosresolver.NewBuilder(nacosresolver.Config{Servers: []string{"10.0.0.1:8848"}})),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`),
		grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
}
