// SPDX-License-Identifier: Apache-2.0

//go:build unix

package haproxy_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/haproxy"
	"github.com/lameduck-go/lameduck/lifecycle"
)

const agentInter = 200 * time.Millisecond

func agentLine(i int, addr, agent string) string {
	_, port, _ := strings.Cut(agent, ":")
	return fmt.Sprintf("server s%d %s proto h2 %s agent-check agent-port %s agent-inter %dms", i, addr, checked, port, agentInter.Milliseconds())
}

// TestRealAgent restarts two servers that nobody but their agents takes out of service. The restarted ones come back by
// themselves, and an operator's maintenance stays.
func TestRealAgent(t *testing.T) {
	t.Parallel()
	addrs, agents, e := freeAddrs(t, 2), freeAddrs(t, 2), newExecutions()
	p := start(t, agentLine(1, addrs[0], agents[0]), agentLine(2, addrs[1], agents[1]))
	run := func(i int) *replica {
		agent := new(haproxy.Agent)
		return startReplica(t, addrs[i], e, lifecycle.WithHealth(agent), lifecycle.WithAdmin(agent, listen(t, agents[i])),
			lifecycle.WithSettle(2*agentInter+500*time.Millisecond)) // a busy machine asks late
	}
	replicas := []*replica{run(0), run(1)}
	p.awaitStatus("s1", "UP")
	p.awaitStatus("s2", "UP")
	load := startLoad(t, p.front())
	for i, r := range replicas {
		server := fmt.Sprint("s", i+1)
		r.goOffline(t)
		p.wantStatus(server, "DOWN")
		replicas[i] = run(i)
		p.awaitStatus(server, "UP")
	}
	load.wantNothingLost(t, e, "agent")

	p.set("s1", "maint")
	replicas[0].goOffline(t)
	again := run(0)
	until(t, "the agent was asked", func() bool { return again.Status().State == lifecycle.Serving })
	time.Sleep(4 * agentInter)
	p.wantStatus("s1", "MAINT")
}

// TestRealAgentThatIsSentSomething: agent-send makes HAProxy write before it reads.
func TestRealAgentThatIsSentSomething(t *testing.T) {
	t.Parallel()
	lis := listen(t, "127.0.0.1:0")
	p := start(t, agentLine(1, lis.Addr().String(), lis.Addr().String())+` agent-send "`+strings.Repeat("x", 1000)+`"`)
	agent := serveAgent(t, lis)
	for range 5 {
		agent.Resume()
		p.awaitStatus("s1", "UP")
		agent.Drain()
		p.awaitStatus("s1", "DOWN (agent)")
	}
}

func serveAgent(t *testing.T, lis net.Listener) *haproxy.Agent {
	t.Helper()
	agent := new(haproxy.Agent)
	served := make(chan error, 1)
	go func() { served <- agent.Serve(lis) }()
	t.Cleanup(func() {
		agent.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return agent
}

// TestRealAgentThatSaysReady undoes the drain of the Registrar, which names it.
func TestRealAgentThatSaysReady(t *testing.T) {
	t.Parallel()
	addrs, foreign := freeAddrs(t, 1), listen(t, "127.0.0.1:0")
	defer foreign.Close()
	go func() {
		for {
			conn, err := foreign.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("ready\n"))
			_ = conn.Close()
		}
	}()
	p := start(t, agentLine(1, addrs[0], foreign.Addr().String()))
	lis := listen(t, addrs[0])
	defer lis.Close()
	reg := newRegistrar(t, "s1", p.admin())
	if err := reg.Register(t.Context(), lis.Addr()); err != nil {
		t.Fatalf("Register() = %v, want nil", err)
	}
	if err := reg.Deregister(t.Context()); err == nil || !strings.Contains(err.Error(), "agent-check") {
		t.Errorf("Deregister() = %v, want one that names the agent-check", err)
	}
}
