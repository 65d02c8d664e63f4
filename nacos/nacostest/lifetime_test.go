// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"encoding/json"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// Not parallel: it looks at the goroutines of the whole process.
func TestCloseWaits(t *testing.T) {
	for range 20 { // a goroutine left alone may still be quick
		s, err := nacostest.NewServer(nacostest.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s.FailNext(nacostest.Timeout, -1, nacostest.OpenList)
		hung := make(chan struct{})
		go func() {
			defer close(hung)
			if resp, err := http.Get("http://" + s.Addr() + "/nacos/v1/ns/instance/list?serviceName=orders"); err == nil {
				resp.Body.Close()
			}
		}()
		eventually(t, "the read to hang", func() bool { return s.Requests(nacostest.OpenList) == 1 })
		s.Close()
		nothingLeft(t)
		<-hung
	}
}

func TestCloseWithClients(t *testing.T) {
	s, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	us := dial(t, s.Addr())
	us.subscribe("orders").wait()
	us.register("orders", here)
	if n := s.Connections(); n != 1 {
		t.Errorf("Connections() = %d, want 1", n)
	}
	us.CloseClient()
	s.Close()
	nothingLeft(t)
}

// A new process has the clock of the machine and is not stopped, although the one
// before it was.
func TestFaultsOverRestart(t *testing.T) {
	t.Parallel()
	s := nacostest.Start(t, quick)
	s.SkewClock(-time.Hour)
	s.Freeze()
	if err := s.Restart(0); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, s, "/nacos/v1/ns/instance/list?serviceName=orders")
	var list struct{ LastRefTime int64 }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if behind := time.Since(time.UnixMilli(list.LastRefTime)); behind < time.Hour {
		t.Errorf("list is stamped %v ago, want an hour", behind)
	}
}

// Close of a frozen server does not hang, although connections are in the middle
// of their handshake.
func TestCloseWhileFrozen(t *testing.T) {
	s, err := nacostest.NewServer(nacostest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	silent, err := net.Dial("tcp", grpcAddr(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s.Freeze()
	late, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatalf("Dial() of a frozen server = %v, want nil: the kernel takes it", err)
	}
	defer late.Close()
	s.Close()
	nothingLeft(t)
}

func grpcAddr(t *testing.T, s *nacostest.Server) string {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	a.Port += 1000
	return a.String()
}

// nothingLeft looks at the server's goroutines. Those of net/http that run nothing of ours need not have ended yet:
// http.Server.Close does not wait for them.
func nothingLeft(t *testing.T) {
	t.Helper()
	if left := goroutines("nacos/nacostest."); left != "" {
		t.Fatalf("goroutines after Close():\n%s", left)
	}
	eventually(t, "net/http to end", func() bool { return goroutines("created by net/http.(*Server)") == "" })
}

// goroutines returns the stacks in which what occurs.
func goroutines(what string) string {
	buf := make([]byte, 1<<20)
	var found []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, what) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
