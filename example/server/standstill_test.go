// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/lifecycle"
)

// A machine that stands still looks like silence: nothing has called. The time in which nobody looked does not count.
func TestQuietOfAProcessThatWasStopped(t *testing.T) {
	const quiet, stop = 1500 * time.Millisecond, 2 * time.Second
	file := filepath.Join(t.TempDir(), "report.json")
	s := startServer(t, "-admin", "127.0.0.1:0", "-settle", "0s", "-quiet", quiet.String(), "-report", file)
	_, addr, _ := strings.Cut(strings.TrimSpace(s.awaitLog(t, "probes, status and control")), "addr=")
	s.signal(t, syscall.SIGTERM)
	awaitPhase(t, addr, "quiet")
	s.signal(t, syscall.SIGSTOP)
	time.Sleep(stop)
	s.signal(t, syscall.SIGCONT)
	if code := s.exit(t); code != 0 {
		t.Errorf("exit status %d, want 0", code)
	}
	for _, p := range readReport(t, file).Phases {
		if p.Name == "quiet" && p.Took < stop+quiet {
			t.Errorf("quiet took %v, want the whole %v after a stop of %v", p.Took, quiet, stop)
		}
	}
}

// awaitPhase asks until the offline is in the phase.
func awaitPhase(t *testing.T, addr, name string) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + addr + "/status")
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Status lifecycle.Status }
		err = json.NewDecoder(answer.Body).Decode(&body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if p := body.Status.Phase; p != nil && p.Name == name {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("status %+v, want phase %s", body.Status, name)
		}
	}
}
