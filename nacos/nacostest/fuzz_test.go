// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"bytes"
	"maps"
	"testing"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/protobuf/proto"
)

// FuzzDecode feeds the wire decoding what a client may send: it returns an error or a payload, and never panics. What
// the SDK's generated code understands it understands in the same way, and what it has read survives a round trip.
func FuzzDecode(f *testing.F) {
	f.Add((&payload{kind: "HealthCheckRequest", headers: map[string]string{"app": "a"}, body: []byte("{}")}).encode())
	f.Add([]byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var first payload
		err := first.decode(data)
		var theirs pb.Payload
		if proto.Unmarshal(data, &theirs) == nil {
			want := &payload{kind: theirs.GetMetadata().GetType(), headers: theirs.GetMetadata().GetHeaders(), body: theirs.GetBody().GetValue()}
			if err != nil || !first.equal(want) {
				t.Fatalf("decode() gave %+v, %v, want %+v as the SDK", first, err, want)
			}
		}
		if err != nil {
			return
		}
		var second payload
		if err := second.decode(first.encode()); err != nil || !second.equal(&first) {
			t.Fatalf("round trip = %+v, %v, want %+v", second, err, first)
		}
	})
}

func (p *payload) equal(q *payload) bool {
	return p.kind == q.kind && maps.Equal(p.headers, q.headers) && bytes.Equal(p.body, q.body)
}
