// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"fmt"
	"time"
)

// scansPerIdle is how often within the idle time silent connections are looked
// for: every 3 s for 20 s.
const scansPerIdle = 7

// detect removes clients that have gone without a word: silent for the idle time,
// then asked, then silent for the detection time (NacosRuntimeConnectionEjector).
func (l *life) detect(done <-chan struct{}) {
	opts := l.server.opts
	ticker := time.NewTicker(max(opts.Idle/scansPerIdle, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-done:
			return
		}
		l.server.gate.wait(done)
		for _, c := range l.connections() {
			if c.silent(opts.Idle, opts.Detection) {
				l.log("client removed, silent", "connection", c.id)
				l.disconnect(c)
				if k := l.links.find(c.remote); k != nil && !k.severed() {
					_ = k.Close()
				}
			}
		}
	}
}

func (l *life) connections() []*connection {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*connection
	for _, c := range l.conns {
		out = append(out, c)
	}
	return out
}

// silent asks a connection that has been idle, and tells whether the time to
// answer has passed.
func (c *connection) silent(idle, detection time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := time.Unix(0, c.heard.Load())
	switch {
	case c.client == nil || time.Since(heard) < idle:
		c.asked = time.Time{}
	case c.asked.IsZero():
		c.asked = time.Now()
		c.out.put("ClientDetectionRequest", detectionMessage{RequestID: fmt.Sprintf("detect_%d", c.asked.UnixNano()), Module: "internal"})
	default:
		return time.Since(c.asked) >= detection
	}
	return false
}

type detectionMessage struct {
	RequestID string `json:"requestId"`
	Module    string `json:"module"`
}
