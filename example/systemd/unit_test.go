// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// unit has the values of each key of the unit's section Service.
type unit map[string][]string

func readUnit(t *testing.T) unit {
	t.Helper()
	text, err := os.ReadFile("greeter.service")
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("line %q is no assignment", line)
		}
		if section == "[Service]" {
			u[key] = append(u[key], value)
		}
	}
	return u
}

// stopLimit is TimeoutStopSec.
func (u unit) stopLimit(t *testing.T) time.Duration {
	t.Helper()
	seconds, err := strconv.Atoi(strings.Join(u["TimeoutStopSec"], " "))
	if err != nil {
		t.Fatalf("TimeoutStopSec: %v", err)
	}
	return time.Duration(seconds) * time.Second
}

func (u unit) variable(name string) string {
	for _, assignment := range u["Environment"] {
		if value, ok := strings.CutPrefix(assignment, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestUnit(t *testing.T) {
	u := readUnit(t)
	for key, want := range map[string]string{
		"Type":            "notify",
		"NotifyAccess":    "main",
		"KillMode":        "mixed",
		"TimeoutStartSec": "infinity",
	} {
		if got := u[key]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	budget, err := time.ParseDuration(u.variable("LAMEDUCK_BUDGET"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.stopLimit(t), budget+5*time.Second; got != want {
		t.Errorf("TimeoutStopSec = %v, want the budget and 5 s, %v", got, want)
	}
	if len(u["ExecStop"]) > 0 || len(u["KillSignal"]) > 0 {
		t.Error("the unit has ExecStop or KillSignal, want SIGTERM and nothing else")
	}
}
