// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"bytes"
	"maps"
	"testing"
)

// FuzzDecode feeds the wire decoding what a client may send: it returns an error or a payload that survives a round
// trip, and never panics.
func FuzzDecode(f *testing.F) {
	f.Add((&payload{kind: "HealthCheckRequest", headers: map[string]string{"app": "a"}, body: []byte("{}")}).encode())
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var first payload
		if first.decode(data) != nil {
			return
		}
		var second payload
		if err := second.decode(first.encode()); err != nil {
			t.Fatalf("decode of what was encoded = %v, want nil", err)
		}
		if second.kind != first.kind || !bytes.Equal(second.body, first.body) || !maps.Equal(second.headers, first.headers) {
			t.Fatalf("round trip = %+v, want %+v", second, first)
		}
	})
}
