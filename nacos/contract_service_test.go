// SPDX-License-Identifier: Apache-2.0

package nacos_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/lameduck-go/lameduck/nacos"
)

// A contractService is a service that only one test uses.
type contractService struct {
	t           testing.TB
	backend     backend
	name, group string
}

func (b backend) newService(t testing.TB) *contractService {
	return &contractService{t: t, backend: b, name: fmt.Sprintf("contract-%016x", rand.Uint64()), group: "DEFAULT_GROUP"}
}

// newRegistrar makes a Registrar that leaves nothing behind.
func (s *contractService) newRegistrar(inst nacos.Instance) *nacos.Registrar {
	s.t.Helper()
	inst.Service = s.name
	r, err := nacos.New(nacos.Config{
		Servers: []string{s.backend.addr}, Username: s.backend.username, Password: s.backend.password, Logger: slog.New(withoutSDK{slog.NewTextHandler(s.t.Output(), nil)}),
	}, inst)
	if err != nil {
		s.t.Fatalf("New() = %v, want nil", err)
	}
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = r.Deregister(ctx) // closed already, in some tests
		if err := r.Close(); err != nil {
			s.t.Errorf("Close() = %v, want nil", err)
		}
	})
	return r
}

func (s *contractService) register(r *nacos.Registrar, addr net.Addr) {
	s.t.Helper()
	if err := r.Register(within(s.t, patience), addr); err != nil {
		s.t.Fatalf("Register(%v) = %v, want nil", addr, err)
	}
}

func (s *contractService) deregister(r *nacos.Registrar) {
	s.t.Helper()
	if err := r.Deregister(within(s.t, patience)); err != nil {
		s.t.Fatalf("Deregister() = %v, want nil", err)
	}
}
