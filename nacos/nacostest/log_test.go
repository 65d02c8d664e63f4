// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// Who looks at the log sees what clients did, and to which instance.
func TestLogger(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	o := quick
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s := nacostest.Start(t, o)
	us := dial(t, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)
	openList(t, s, "orders")
	s.SetEnabled("orders", here, false)
	ours.wait()
	us.deregister("orders", here)
	us.CloseClient()
	eventually(t, "the end of the connection to be logged", func() bool { return strings.Contains(log.String(), "connection ended") })
	s.Freeze()
	s.Thaw()
	s.Kill()
	for _, want := range []string{
		`nacostest: up"`, `connection set up" client=Nacos-Go-Client`, `subscribe" service=orders`,
		`register" service=orders instances=[` + here + `]`, `push" service=orders instances=[` + here + `] subscribers=1`,
		`open list" service=orders client=127.0.0.1`, `operator" service=orders instance=` + here + ` enabled=false weight=`,
		`deregister" service=orders instances=[` + here + `]`, `frozen"`, `thawed"`, `down"`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %s:\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "ordered failure") {
		t.Errorf("the log has a failure that nobody ordered:\n%s", log.String())
	}
}

// lockedBuffer is written by the server's goroutines.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
