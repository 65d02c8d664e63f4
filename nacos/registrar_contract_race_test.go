// SPDX-License-Identifier: Apache-2.0

//go:build race

package nacos_test

import (
	"testing"

	"github.com/lameduck-go/lameduck/lifecycle/registrartest"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// addOutages adds nothing: the SDK has a data race when it reconnects.
func addOutages(testing.TB, *registrartest.World, *nacostest.Server) {}

func relayed(_ testing.TB, _ *registrartest.World, server string) (addr string) { return server }
