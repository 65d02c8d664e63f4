// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/binary"
	"io"
	"testing"
)

// As much HTTP/2 as a peer needs that does what no library would (RFC 9113, RFC 7541).
const (
	preface     = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings    = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	settingsAck = "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	pingAck     = "\x00\x00\x08\x06\x01\x00\x00\x00\x00" // and the payload

	everyStream = "\x7f\xff\xff\xff" // what a GOAWAY that only warns begins with

	frameData     = 0
	frameHeaders  = 1
	frameSettings = 4
	framePing     = 6
	frameGoAway   = 7

	flagAck        = 1
	flagEndStream  = 1
	flagEndHeaders = 4
)

type frame struct {
	kind, flags byte
	stream      uint32
	payload     string
}

func readFrame(r io.Reader) (frame, error) {
	var head [9]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return frame{}, err
	}
	payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
	_, err := io.ReadFull(r, payload)
	return frame{head[3], head[4], binary.BigEndian.Uint32(head[5:]), string(payload)}, err
}

// expectFrame reads until a frame of this kind, with these flags, has come.
func expectFrame(t *testing.T, r io.Reader, kind, flags byte) {
	t.Helper()
	for {
		f, err := readFrame(r)
		if err != nil {
			t.Fatalf("reading frames until one of type %d with flags %d: %v", kind, flags, err)
		}
		if f.kind == kind && f.flags == flags {
			return
		}
	}
}

// call is a unary gRPC call with an empty message: HEADERS, without any compression, and DATA.
func call(stream uint32, method string) string {
	var block []byte
	for _, field := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", method},
		{":authority", "test"},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		block = append(block, 0) // a literal that is not indexed
		for _, part := range field {
			block = append(append(block, byte(len(part))), part...)
		}
	}
	headers := append([]byte{0, 0, byte(len(block)), frameHeaders, flagEndHeaders}, binary.BigEndian.AppendUint32(nil, stream)...)
	message := append([]byte{0, 0, 5, frameData, flagEndStream}, binary.BigEndian.AppendUint32(nil, stream)...)
	return string(headers) + string(block) + string(message) + "\x00\x00\x00\x00\x00"
}
