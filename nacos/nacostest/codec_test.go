// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"maps"
	"testing"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// What this package writes the SDK's generated code reads, and the other way
// round.
func TestPayloadIsTheSDKs(t *testing.T) {
	headers := map[string]string{"accessToken": "secret", "app": "shop"}
	theirs := &pb.Payload{
		Metadata: &pb.Metadata{Type: "InstanceRequest", Headers: headers, ClientIp: "10.0.0.1"},
		Body:     &anypb.Any{Value: []byte(`{"type":"registerInstance"}`)},
	}
	data, err := proto.Marshal(theirs)
	if err != nil {
		t.Fatal(err)
	}
	var ours payload
	if err := (payloadCodec{}).Unmarshal(data, &ours); err != nil {
		t.Fatalf("Unmarshal() = %v, want nil", err)
	}
	if ours.kind != "InstanceRequest" || !maps.Equal(ours.headers, headers) || string(ours.body) != string(theirs.Body.Value) {
		t.Errorf("Unmarshal() gave %+v, want %+v", ours, theirs)
	}

	if data, err = (payloadCodec{}).Marshal(&ours); err != nil {
		t.Fatalf("Marshal() = %v, want nil", err)
	}
	var back pb.Payload
	if err := proto.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	theirs.Metadata.ClientIp = "" // which the server does not send
	if !proto.Equal(&back, theirs) {
		t.Errorf("Marshal() gave %v, want %v", &back, theirs)
	}
}

func TestMalformedPayload(t *testing.T) {
	var p payload
	if err := p.decode([]byte{0x12, 0x7f, 0x01}); err == nil {
		t.Error("decode() of a field longer than the message = nil, want an error")
	}
	if err := (payloadCodec{}).Unmarshal(nil, new(int)); err == nil {
		t.Error("Unmarshal() into an int = nil, want an error")
	}
}
