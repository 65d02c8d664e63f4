// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func startAgent(t *testing.T) (a *Agent, addr string) {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a = new(Agent)
	served := make(chan error, 1)
	go func() { served <- a.Serve(lis) }()
	t.Cleanup(func() {
		a.GracefulStop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
	})
	return a, lis.Addr().String()
}

func wantWord(t *testing.T, addr, want, when string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if got, err := io.ReadAll(conn); err != nil || string(got) != want {
		t.Errorf("%s the agent says %q, %v, want %q", when, got, err, want)
	}
}

func TestAgentSaysUpOrDown(t *testing.T) {
	a, addr := startAgent(t)
	wantWord(t, addr, "down\n", "at first")
	for name, leave := range map[string]func(){"CloseTraffic": a.CloseTraffic, "Drain": a.Drain, "Shutdown": a.Shutdown} {
		a.Resume()
		wantWord(t, addr, "up\n", "after Resume")
		leave()
		wantWord(t, addr, "down\n", "after "+name)
		a.SetReady(true)
		a.EndWatches()
		wantWord(t, addr, "down\n", "after SetReady and EndWatches")
	}
}

// TestAgentIsHeldUpByNobody: peers that send nothing, and do not go away.
func TestAgentIsHeldUpByNobody(t *testing.T) {
	a, addr := startAgent(t)
	a.Resume()
	for range 100 {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	wantWord(t, addr, "up\n", "beside 100 that stay")
}

func TestAgentStops(t *testing.T) {
	a := new(Agent)
	var serving sync.WaitGroup
	var addrs []string
	for range 2 {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addrs = append(addrs, lis.Addr().String())
		serving.Go(func() {
			if err := a.Serve(lis); err != nil {
				t.Errorf("Serve() = %v, want nil", err)
			}
		})
		wantWord(t, lis.Addr().String(), "down\n", "served")
	}
	a.Stop()
	serving.Wait()
	for _, addr := range addrs {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Errorf("%s is still served", addr)
		}
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Serve(lis); err != nil {
		t.Errorf("after Stop Serve() = %v, want nil", err)
	}
	if _, err := lis.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Stop the listener is open: Accept() = %v", err)
	}
	a.Stop()
}

// failingListener fails as a system without file descriptors does, then for good.
type failingListener struct {
	net.Listener
	temporary atomic.Int32
}

type acceptError struct{ temporary bool }

func (e acceptError) Error() string   { return "accept" }
func (e acceptError) Temporary() bool { return e.temporary }

func (l *failingListener) Accept() (net.Conn, error) {
	return nil, acceptError{l.temporary.Add(-1) >= 0}
}
func (l *failingListener) Close() error { return nil }

func TestAgentWhoseListenerFails(t *testing.T) {
	lis := new(failingListener)
	lis.temporary.Store(3)
	if err := new(Agent).Serve(lis); err == nil || err.Error() != "accept" {
		t.Errorf("Serve() = %v, want the listener's error", err)
	}
	if n := lis.temporary.Load(); n != -1 {
		t.Errorf("%d failures that may pass were not tried again", n+1)
	}
}
