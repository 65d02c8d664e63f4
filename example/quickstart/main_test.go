// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/internal/testrun"
	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// asProgram makes the test binary the program, so that the signal and the exit status are real ones.
const asProgram = "LAMEDUCK_QUICKSTART"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	testrun.Skip(slow...)
	os.Exit(m.Run())
}

// TestProgram: it is listed, leaves when it is told to, and says nothing but what happened.
func TestProgram(t *testing.T) {
	registry := nacostest.Start(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-listen", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-nacos", registry.Addr())
	cmd.Env = append(os.Environ(), asProgram+"=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	for limit := time.Now().Add(20 * time.Second); len(registry.Instances("greeter")) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("not listed after 20 s")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-exited; err != nil {
		t.Errorf("Wait() = %v, want status 0\n%s", err, output.String())
	}
	if left := registry.Instances("greeter"); len(left) > 0 || !bytes.Contains(output.Bytes(), []byte("outcome=stopped")) {
		t.Errorf("Instances() = %+v after the exit, want none; and outcome=stopped in\n%s", left, output.String())
	}
}
