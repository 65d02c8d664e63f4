// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The SDK reconnects in these tests, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The registry has the instance, and has told nobody.
func TestDeregisterWhenNoAnswerHasCome(t *testing.T) {
	t.Parallel()
	for name, stop := range map[string]func(*nacostest.Server){
		"the registry stands still": func(r *nacostest.Server) { r.Freeze() },
		"answers get lost":          func(r *nacostest.Server) { r.FailNext(nacostest.Timeout, -1, nacostest.Deregister) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := nacostest.Start(t, nacostest.Options{PushDelay: time.Hour})
			r := newRegistrarWith(t, nacos.Config{Timeout: time.Second, Servers: []string{registry.Addr()}}, nacos.Instance{Service: "orders"})
			registry.FailNext(nacostest.AnswerLost, -1, nacostest.Register)
			result := make(chan error, 1)
			go func() { result <- r.Register(t.Context(), listener) }()
			eventually(t, "it is registered", func() bool { return len(registry.Instances("orders")) > 0 })
			stop(registry)
			err := r.Deregister(within(t, 4*time.Second))
			if listed := len(registry.Instances("orders")) > 0; listed && !errors.Is(err, nacos.ErrUnconfirmed) {
				t.Errorf("Deregister() = %v while the registry has it, want ErrUnconfirmed", err)
			}
			<-result
			registry.Thaw()
		})
	}
}

// A dead node's copy takes minutes to go. The error must say so within what a Manager gives.
func TestCauseOfADeadNodesCopy(t *testing.T) {
	t.Parallel()
	nodes := nacostest.StartCluster(t, 2)
	r := registered(t, newRegistrarWith(t, nacos.Config{Servers: []string{nodes[0].Addr(), nodes[1].Addr()}}, nacos.Instance{Service: "orders"}))
	mine, other := nodes[0], nodes[1]
	if other.Connections() > 0 {
		mine, other = other, mine
	}
	eventually(t, "the other node lists it", func() bool {
		i, ok := published(t, other, "orders", ours)
		return ok && i.Listed
	})
	mine.Kill()
	eventually(t, "the SDK has changed over", func() bool { i, _ := published(t, other, "orders", ours); return i.Owners == 2 })
	began := time.Now()
	err := r.Deregister(within(t, 5*time.Second))
	if !errors.Is(err, nacos.ErrUnconfirmed) || errors.Is(err, nacos.ErrSecondOwner) || !strings.Contains(err.Error(), "registry node that has died") {
		t.Errorf("Deregister() = %v after %v, want the copy of a dead node as the cause", err, time.Since(began))
	}
}
