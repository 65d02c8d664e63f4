// SPDX-License-Identifier: Apache-2.0

//go:build !race

// The faults make the SDK reconnect, which is a data race inside nacos-sdk-go v2.3.5: RpcClient.currentConnection
// (nacos-sdk-go#905, mended by nacos-sdk-go#887, which is in no release).

package nacos_test

import (
	"fmt"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos"
)

// In half of the schedules the registry is a cluster of three nodes. The clients are connected to the first, which is
// spared by what would keep lists from them; where there are none, it is not.
const clusterSize = 3

// clusterFaults are drawn for a cluster, besides what may happen to every registry.
func (p *plan) clusterFaults() []func(*plan, time.Duration) {
	return []func(*plan, time.Duration){
		(*plan).restartNodes, (*plan).restartNodes, (*plan).disagree, (*plan).disagree, (*plan).disagree, (*plan).freezeNode,
		(*plan).closeConnection, (*plan).cutConnection, (*plan).loseRegistration, (*plan).loseAnswers, (*plan).failNext,
		(*plan).blind, (*plan).operator, (*plan).operator, (*plan).restartInstance, (*plan).restartInstance, (*plan).restartInstance,
		(*plan).briefInstance,
	}
}

// servers are all nodes.
func (s *scene) servers() []string {
	var out []string
	for _, n := range s.nodes {
		out = append(out, n.Addr())
	}
	return out
}

// config is how an instance reaches the registry. Behind a virtual address HTTP lands on another node than gRPC.
func (s *scene) config() nacos.Config {
	cfg := nacos.Config{Servers: s.servers()}
	if s.virtual {
		cfg.Customize = func(p *vo.NacosClientParam) {
			ports := make([]uint64, len(p.ServerConfigs))
			for i, c := range p.ServerConfigs {
				ports[i] = c.Port
			}
			for i := range p.ServerConfigs {
				p.ServerConfigs[i].GrpcPort = ports[i] + 1000
				p.ServerConfigs[i].Port = ports[(i+1)%len(ports)]
			}
		}
	}
	return cfg
}

// spared is the number of the first node to which everything may happen.
func (s *scene) sparedNodes() int {
	if s.deserted {
		return 0
	}
	return 1
}

// restartNodes is an upgrade: one node after the other, each back before the next goes.
func (p *plan) restartNodes(at time.Duration) {
	for i := p.scene.sparedNodes(); i < clusterSize; i++ {
		p.add(at, fmt.Sprintf("nodes restart, now %d", i), func() error { p.scene.nodes[i].Kill(); return nil })
		at += 200*time.Millisecond + p.upTo(1500*time.Millisecond)
		p.end(at, fmt.Sprintf("node %d is back", i), func() error { return p.scene.nodes[i].Revive() })
		at += p.upTo(time.Second)
	}
}

// disagree lets one node lose sight of another, for so long that the self-watch looks several times.
func (p *plan) disagree(at time.Duration) {
	from := p.random.IntN(clusterSize)
	to := (from + 1 + p.random.IntN(clusterSize-1)) % clusterSize
	both, forgets := p.random.IntN(2) == 0, to >= p.scene.sparedNodes()
	set := func(d time.Duration) func() error {
		return func() error {
			p.scene.nodes[from].SyncDelay(p.scene.nodes[to], d)
			if both {
				p.scene.nodes[to].SyncDelay(p.scene.nodes[from], d)
			}
			for n := range p.scene.size {
				if d > 0 && forgets {
					p.scene.nodes[to].LoseRegistration(p.scene.service, p.scene.addr(n))
				}
			}
			return nil
		}
	}
	p.add(at, fmt.Sprintf("nodes disagree: %d hears nothing of %d (both: %v, forgets all: %v)", to, from, both, forgets), set(24*time.Hour))
	p.end(at+3*time.Second+p.upTo(12*time.Second), fmt.Sprintf("nodes agree again: %d and %d", to, from), set(-1))
}

func (p *plan) freezeNode(at time.Duration) {
	spared := p.scene.sparedNodes()
	i := spared + p.random.IntN(clusterSize-spared)
	p.add(at, fmt.Sprintf("freeze node %d", i), func() error { p.scene.nodes[i].Freeze(); return nil })
	p.end(at+200*time.Millisecond+p.upTo(4*time.Second), fmt.Sprintf("thaw node %d", i), func() error {
		p.scene.nodes[i].Thaw()
		return nil
	})
}
