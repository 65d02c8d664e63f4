// SPDX-License-Identifier: Apache-2.0

package nacostest

import "testing"

func TestParseService(t *testing.T) {
	for in, want := range map[string]serviceKey{
		"orders":                    {"public", "DEFAULT_GROUP", "orders"},
		"payments@@orders":          {"public", "payments", "orders"},
		"staging@@payments@@orders": {"staging", "payments", "orders"},
		"@@orders":                  {"public", "DEFAULT_GROUP", "orders"},
		"staging@@@@orders":         {"staging", "DEFAULT_GROUP", "orders"},
	} {
		if got := parseService(in); got != want {
			t.Errorf("parseService(%q) = %+v, want %+v", in, got, want)
		}
	}
}
