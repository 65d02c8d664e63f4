// SPDX-License-Identifier: Apache-2.0

package registrartest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

var smallMistakes = map[string]seeded{
	"Settle is negative": {func(m *mistaken) { m.settle = func() time.Duration { return -1 } }, []string{"Settle"}},
	"String is empty":    {func(m *mistaken) { m.name = func() string { return "" } }, []string{"String"}},
	"Others has the instance itself": {func(m *mistaken) {
		m.others = func() []lifecycle.Other {
			others := m.modelRegistrar.Others()
			if m.registry.listed() {
				others = append(others, lifecycle.Other{Addr: "127.0.0.1:50051", Usable: true})
			}
			return others
		}
	}, []string{"Others come and go", "Others does not have the instance itself"}},
	"Others is nil where there are none": {func(m *mistaken) {
		m.others = func() []lifecycle.Other { return append([]lifecycle.Other(nil), m.modelRegistrar.Others()...) }
	}, []string{"Others is not nil where there are none"}},
	"Others keeps who has left": {func(m *mistaken) {
		known := map[string]lifecycle.Other{}
		m.others = func() []lifecycle.Other {
			for _, o := range m.modelRegistrar.Others() {
				known[o.Addr] = o
			}
			return slices.AppendSeq([]lifecycle.Other{}, maps.Values(known))
		}
	}, []string{"Others come and go"}},
	"Others asks the registry": {func(m *mistaken) {
		m.others = func() []lifecycle.Other {
			_ = m.deaf(context.Background(), func(ctx context.Context) error { return m.registry.request(ctx, func() {}) })
			return m.modelRegistrar.Others()
		}
	}, []string{"What answers at once does, registry frozen"}},
	"Others forgets the ages with the connection": {func(m *mistaken) { m.flaws.losesAges = true }, []string{"Others keep their ages"}},
	"Gone is nil while listed": {func(m *mistaken) { m.gone = func(context.Context) error { return nil } }, []string{
		"Gone ends with its context, registry frozen",
		"Gone ends with its context, registry unreachable",
		"Gone while listed",
	}},
	"Gone ignores its context": {func(m *mistaken) {
		m.gone = func(ctx context.Context) error { return m.deaf(ctx, m.modelRegistrar.Gone) }
	}, []string{"Gone ends with its context, registry frozen"}},
	"Gone names ourselves after Deregister": {func(m *mistaken) {
		m.gone = func(context.Context) error { return errors.New("listed somewhere") }
	}, []string{"Gone after Deregister"}},
	"Published stays after a confirmed absence": {func(m *mistaken) {
		m.published = func() string { return "127.0.0.1:50051" }
	}, []string{"Published"}},
	"Published is empty": {func(m *mistaken) { m.published = func() string { return "" } }, []string{
		"Published",
		"Published after a Deregister that was given up, registry frozen",
		"Published after a Deregister that was given up, registry unreachable",
	}},
	"Published is empty once Deregister was called": {func(m *mistaken) {
		m.deregister = func(ctx context.Context) error {
			m.locked(func() { m.known = false })
			return m.modelRegistrar.Deregister(ctx)
		}
	}, []string{
		"Published after a Deregister that was given up, registry frozen",
		"Published after a Deregister that was given up, registry unreachable",
	}},
	"Failure stays after a success": {func(m *mistaken) {
		var last error
		m.failure = func() error {
			if err := m.modelRegistrar.Failure(); err != nil {
				last = err
			}
			return last
		}
	}, []string{"Failure while the registry is unreachable"}},
	"Failure says nothing": {func(m *mistaken) { m.failure = func() error { return nil } }, []string{"Failure while the registry is unreachable"}},
}
