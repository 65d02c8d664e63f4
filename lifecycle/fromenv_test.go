// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFromEnv(t *testing.T) {
	c := newConfig([]Option{WithBudget(time.Minute), WithSettle(time.Hour), WithPolicy(Lossless)})
	c.fromEnv([]string{
		"LAMEDUCK_BUDGET=20s", "LAMEDUCK_SETTLE=2s", "LAMEDUCK_QUIET=0", "LAMEDUCK_POLICY=strict", "LAMEDUCK_ON_OFFLINE=exit",
		"LAMEDUCK_STREAM_GRACE=3s", "LAMEDUCK_SUCCESSOR=", "LAMEDUCK_NACOS_SERVERS=a:1", "PATH=/bin",
	})
	if c.envErr != nil || len(c.unknownEnv) > 0 {
		t.Fatalf("error %v, unknown %q; want neither", c.envErr, c.unknownEnv)
	}
	if c.budget != 20*time.Second || *c.settle != 2*time.Second || *c.quiet != 0 || c.policy != Strict || c.registryOffline != Exit ||
		c.streamGrace != 3*time.Second || c.successor != 0 {
		t.Errorf("config = %+v, want what the environment says", c)
	}
}

func TestFromEnvNamesWhatIsWrong(t *testing.T) {
	for variable, want := range map[string]string{
		"LAMEDUCK_BUDGET=20":           `LAMEDUCK_BUDGET: "20" is no duration`,
		"LAMEDUCK_SETTLE=-1s":          `LAMEDUCK_SETTLE: "-1s" is negative`,
		"LAMEDUCK_POLICY=lossles":      `LAMEDUCK_POLICY: lifecycle: policy "lossles" is not known, want one of lossless, strict`,
		"LAMEDUCK_ON_OFFLINE=shutdown": `LAMEDUCK_ON_OFFLINE: `,
	} {
		var c config
		c.fromEnv([]string{variable})
		if c.envErr == nil || !strings.Contains(c.envErr.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", variable, c.envErr, want)
		}
	}
}

// The environment wins over options that were given before; Run says what is wrong, and what is in force.
func TestRunWithAnEnvironment(t *testing.T) {
	t.Setenv("LAMEDUCK_BUDGET", "14s")
	t.Setenv("LAMEDUCK_BUGDET", "13s")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		r := newRig(t, WithBudget(time.Minute), WithLogger(slog.New(slog.NewTextHandler(&log, nil))), FromEnv())
		r.run(t)
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		for _, want := range []string{"budget=14s", "LAMEDUCK_BUGDET"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log has no %q:\n%s", want, log.String())
			}
		}
	})
	t.Setenv("LAMEDUCK_BUDGET", "soon")
	if err := New(&fakeServer{}, FromEnv()).Run(t.Context(), fakeListener{}); err == nil || !strings.Contains(err.Error(), "LAMEDUCK_BUDGET") {
		t.Errorf("Run() = %v, want an error that names the variable", err)
	}
}

// The last thing that happens gets the whole Report, and may not hold the end up.
func TestOnReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan Report, 2)
		never := make(chan struct{})
		r := newRig(t, WithOnReport(nil), WithOnReport(func(r Report) { got <- r }),
			WithOnReport(func(Report) { <-never }))
		r.run(t)
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.terminate()
		if err := <-r.result; err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
		if n := len(got); n != 1 {
			t.Fatalf("OnReport was called %d times, want once", n)
		}
		if r := <-got; r.Outcome != OutcomeStopped || r.Took == 0 || len(r.Registrars) != 1 {
			t.Errorf("OnReport had %+v, want the one of the end, complete", r)
		}
		if a := r.Report().Abandoned; len(a) != 1 || a[0] != "OnReport" {
			t.Errorf("Abandoned = %q, want OnReport", a)
		}
		close(never)
	})
}
