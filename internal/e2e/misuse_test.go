// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/lameduck-go/lameduck/lifecycle"
	"github.com/lameduck-go/lameduck/nacos"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

var silent = slog.New(slog.DiscardHandler)

func newRegistrar(t *testing.T, addr string) *nacos.Registrar {
	t.Helper()
	r, err := nacos.New(nacos.Config{Servers: []string{addr}, Logger: silent}, nacos.Instance{Service: service})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOneRegistrarOfTwoManagers: the second one fails, and leaves the first one's instance alone.
func TestOneRegistrarOfTwoManagers(t *testing.T) {
	t.Parallel()
	registry := nacostest.Start(t)
	shared := newRegistrar(t, registry.Addr())
	first := startInstance(t, nil, lifecycle.WithRegistrar(shared))
	m := lifecycle.New(grpc.NewServer(), lifecycle.WithRegistrar(shared), lifecycle.WithLogger(silent))
	if err := m.Run(t.Context(), listen(t)); !errors.Is(err, nacos.ErrInUse) {
		t.Errorf("Run() of the second Manager = %v, want nacos.ErrInUse", err)
	}
	if list := registry.Instances(service); len(list) != 1 || list[0].Addr() != first.addr || !list[0].Listed {
		t.Errorf("Instances() = %+v, want the first one, listed", list)
	}
	first.stop()
	if err := first.finish(t); err != nil {
		t.Errorf("Run() of the first Manager = %v, want nil", err)
	}
}

// TestWhyARegistrationTimesOut: the error names the ports, and Status while it lasts.
func TestWhyARegistrationTimesOut(t *testing.T) {
	t.Parallel()
	closed := listen(t)
	closed.Close()
	m := lifecycle.New(grpc.NewServer(), lifecycle.WithRegistrar(newRegistrar(t, closed.Addr().String())),
		lifecycle.WithRegisterTimeout(6*time.Second), lifecycle.WithLogger(silent))
	result := make(chan error, 1)
	lis := listen(t)
	go func() { result <- m.Run(context.Background(), lis) }()
	want := "cannot reach " + closed.Addr().String() + " (gRPC "
	await(t, "said in Status", func() bool {
		s := m.Status()
		return len(s.Registrars) > 0 && strings.Contains(s.Registrars[0].Error, want)
	})
	err := <-result
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(err.Error(), "WithRegisterTimeout") {
		t.Errorf("Run() = %v, want the time-out, the ports and why", err)
	}
	if got := lifecycle.ExitCode(err); got != 1 {
		t.Errorf("ExitCode() = %d, want 1", got)
	}
}

// TestNoAddressToPublish is an error at once: no other try will mend it.
func TestNoAddressToPublish(t *testing.T) {
	t.Parallel()
	lis, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	m := lifecycle.New(grpc.NewServer(), lifecycle.WithRegistrar(newRegistrar(t, nacostest.Start(t).Addr())), lifecycle.WithLogger(silent))
	began := time.Now()
	err = m.Run(t.Context(), lis)
	if err == nil || !strings.Contains(err.Error(), "Instance.Addr") {
		t.Errorf("Run() = %v, want one about Instance.Addr", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Run took %v, want it at once", took)
	}
}

// TestInterruptWhileTheRegistryIsDown: what was never published does not settle.
func TestInterruptWhileTheRegistryIsDown(t *testing.T) {
	t.Parallel()
	closed := listen(t)
	closed.Close()
	i := startServing(t, nil, nil, lifecycle.WithRegistrar(newRegistrar(t, closed.Addr().String())), lifecycle.WithSettle(10*time.Second))
	await(t, "tried", func() bool { return i.Status().Registrars[0].Error != "" })
	began := time.Now()
	i.stop()
	if err := i.finish(t); err != nil {
		t.Errorf("Run() = %v, want nil", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("exit took %v, want no settle of 10 s", took)
	}
}
