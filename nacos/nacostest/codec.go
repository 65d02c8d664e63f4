// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// payload is the one protobuf message of the protocol: a type name, headers, and
// a JSON body inside an Any without a type URL. It is encoded by hand because the
// message name Payload has no package and the SDK has registered it: generated
// code for it would end the process at start.
type payload struct {
	kind    string
	headers map[string]string
	body    []byte
}

// Field numbers of nacos_grpc_service.proto and of google.protobuf.Any.
const (
	fieldMetadata = 2
	fieldBody     = 3

	fieldType    = 3
	fieldHeaders = 7

	fieldMapKey   = 1
	fieldMapValue = 2

	fieldAnyValue = 2
)

// payloadCodec is the server's grpc codec.
type payloadCodec struct{}

// Name is that of the codec which clients ask for.
func (payloadCodec) Name() string { return "proto" }

func (payloadCodec) Marshal(v any) ([]byte, error) {
	p, ok := v.(*payload)
	if !ok {
		return nil, fmt.Errorf("nacostest: cannot encode %T", v)
	}
	return p.encode(), nil
}

func (payloadCodec) Unmarshal(data []byte, v any) error {
	p, ok := v.(*payload)
	if !ok {
		return fmt.Errorf("nacostest: cannot decode into %T", v)
	}
	return p.decode(data)
}

func (p *payload) encode() []byte {
	metadata := appendBytes(nil, fieldType, []byte(p.kind))
	for k, v := range p.headers {
		entry := appendBytes(nil, fieldMapKey, []byte(k))
		entry = appendBytes(entry, fieldMapValue, []byte(v))
		metadata = appendBytes(metadata, fieldHeaders, entry)
	}
	out := appendBytes(nil, fieldMetadata, metadata)
	return appendBytes(out, fieldBody, appendBytes(nil, fieldAnyValue, p.body))
}

func appendBytes(b []byte, field protowire.Number, value []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendBytes(b, value)
}

func (p *payload) decode(data []byte) error {
	*p = payload{}
	return eachBytes(data, func(field protowire.Number, value []byte) error {
		switch field {
		case fieldMetadata:
			return p.decodeMetadata(value)
		case fieldBody:
			return eachBytes(value, func(field protowire.Number, value []byte) error {
				if field == fieldAnyValue {
					p.body = append([]byte(nil), value...)
				}
				return nil
			})
		}
		return nil
	})
}

func (p *payload) decodeMetadata(data []byte) error {
	return eachBytes(data, func(field protowire.Number, value []byte) error {
		switch field {
		case fieldType:
			p.kind = string(value)
		case fieldHeaders:
			var k, v string
			err := eachBytes(value, func(field protowire.Number, value []byte) error {
				switch field {
				case fieldMapKey:
					k = string(value)
				case fieldMapValue:
					v = string(value)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if p.headers == nil {
				p.headers = map[string]string{}
			}
			p.headers[k] = v
		}
		return nil
	})
}

// eachBytes calls f for every length-delimited field and skips the others.
func eachBytes(data []byte, f func(protowire.Number, []byte) error) error {
	for len(data) > 0 {
		field, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return errors.Join(errPayload, protowire.ParseError(n))
		}
		data = data[n:]
		if kind != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(field, kind, data); n < 0 {
				return errors.Join(errPayload, protowire.ParseError(n))
			}
			data = data[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(data)
		if n < 0 {
			return errors.Join(errPayload, protowire.ParseError(n))
		}
		data = data[n:]
		if err := f(field, value); err != nil {
			return err
		}
	}
	return nil
}

var errPayload = errors.New("nacostest: malformed payload")
