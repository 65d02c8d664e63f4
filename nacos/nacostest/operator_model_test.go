// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"testing"
	"testing/synctest"
	"time"
)

// The cells of the table measured on 2.5.1 and 3.0.3: offline after up to 58 s
// away, back after 75 s and more.
func TestEditOutlivesTheInstance(t *testing.T) {
	for _, tt := range []struct {
		away    time.Duration
		enabled bool
	}{
		{2 * time.Second, false}, {58 * time.Second, false}, {75 * time.Second, true}, {90 * time.Second, true},
	} {
		t.Run(tt.away.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newTestNode(t, newCluster())
				us := n.newEar("us")
				n.do(func() {
					n.register(us.client, orders, at("1.1.1.1:80"))
					n.cluster.edit(orders, at("1.1.1.1:80")[0].place(), func(e *edit) { e.enabled = false })
				})
				// However long the instance is there, the flag stays.
				time.Sleep(10 * time.Minute)
				n.do(func() { n.disconnect(us.client) })
				time.Sleep(tt.away)
				again := n.newEar("again")
				n.do(func() {
					n.register(again.client, orders, at("1.1.1.1:80"))
					if got := n.instances(orders)[0].Enabled; got != tt.enabled {
						t.Errorf("Enabled after %v away = %v, want %v", tt.away, got, tt.enabled)
					}
				})
				time.Sleep(10 * time.Minute)
				n.do(func() {
					if got := n.instances(orders)[0].Enabled; got != tt.enabled {
						t.Errorf("Enabled after %v away and long back = %v, want %v", tt.away, got, tt.enabled)
					}
				})
			})
		})
	}
}

func TestEditOverridesTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newTestNode(t, newCluster())
		us := n.newEar("us")
		i := at("1.1.1.1:80")
		i[0].Metadata = map[string]string{"k": "ours", "v": "1"}
		n.do(func() {
			n.register(us.client, orders, i)
			n.cluster.edit(orders, i[0].place(), func(e *edit) {
				e.weight, e.metadata = 5, map[string]string{"k": "op"}
			})
			i[0].Weight, i[0].Enabled, i[0].Metadata = 7, false, map[string]string{"k": "new", "v": "2"}
			n.register(us.client, orders, i)
			got := n.instances(orders)[0]
			if !got.Enabled || got.Weight != 5 || got.Metadata["k"] != "op" || got.Metadata["v"] != "2" {
				t.Errorf("instance = %+v, want enabled, weight 5, k=op, v=2", got)
			}
		})
	})
}

// A restart is no end of the instance: connections that break with the process
// start no expiry, however long it is away.
func TestEditOutlivesTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster()
		n := newTestNode(t, c)
		us := n.newEar("us")
		n.do(func() {
			n.register(us.client, orders, at("1.1.1.1:80"))
			c.edit(orders, at("1.1.1.1:80")[0].place(), func(e *edit) { e.enabled = false })
		})
		n.do(func() { n.die(); n.disconnect(us.client) })
		time.Sleep(10 * time.Minute)
		again := newTestNode(t, c)
		back := again.newEar("back")
		again.do(func() {
			again.register(back.client, orders, at("1.1.1.1:80"))
			if got := again.instances(orders)[0]; got.Enabled {
				t.Errorf("instance after the restart = %+v, want disabled", got)
			}
		})
	})
}
