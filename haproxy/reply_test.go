// SPDX-License-Identifier: Apache-2.0

package haproxy

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// As 2.6.12 has answered "set server grpc/s1 state drain; show servers state grpc".
const realTable = `1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port
3 grpc 1 s1 127.0.0.1 0 8 1 1 0 8 2 0 6 22 0 0 - 17001 - 0 0 - - 0
3 grpc 2 s2 127.0.0.1 0 5 1 1 1 1 0 0 14 0 0 0 - 17002 - 0 0 - - 0
4 other 1 s1 - 2 32 100 1 1 1 0 2 0 0 0 0 host 0 - 0 0 - - 0

`

func TestReadReply(t *testing.T) {
	s1 := server{name: "s1", host: "127.0.0.1", port: 17001, admin: forcedDrain, weight: 1, agent: 22}
	s2 := server{name: "s2", host: "127.0.0.1", port: 17002, admin: forcedMaint | configMaint, weight: 1}
	for name, test := range map[string]struct {
		reply   string
		words   string
		servers []server
		err     string
	}{
		"a table":                    {realTable, "", []server{s1, s2}, ""},
		"done, and a table":          {"\n" + realTable, "", []server{s1, s2}, ""},
		"words and a table":          {"No such server.\n\n" + realTable, "No such server.", []server{s1, s2}, ""},
		"words alone":                {"Permission denied\n\n", "Permission denied", nil, ""},
		"words twice":                {"No such backend.\n\nCan't find backend.\n\n", "No such backend.\n\nCan't find backend.", nil, ""},
		"nothing":                    {"", "", nil, "ends early"},
		"done, and nothing else":     {"\n", "", nil, "ends early"},
		"half a head":                {"\n1\n# be_id be_name srv", "", nil, "ends early"},
		"half a row":                 {strings.TrimSuffix(realTable, "- 0 0 - - 0\n\n"), "", nil, "ends early"},
		"a later version":            {"2" + realTable[1:], "", nil, "version"},
		"a column that is missing":   {strings.Replace(realTable, "srv_admin_state", "admin", 1), "", nil, "srv_admin_state"},
		"a number that is none":      {strings.Replace(realTable, " 0 8 1 1", " 0 x 1 1", 1), "", nil, "srv_admin_state"},
		"a number beyond all bounds": {strings.Replace(realTable, " 0 8 1 1", " 0 99999999999 1 1", 1), "", nil, "srv_admin_state"},
		"a row that ends early":      {strings.Replace(realTable, "grpc 1 s1 127.0.0.1 0 8", "grpc 1 s1\n3", 1), "", nil, "srv_port"},
	} {
		t.Run(name, func(t *testing.T) {
			words, servers, err := readReply(test.reply, "grpc")
			if words != test.words || !reflect.DeepEqual(servers, test.servers) {
				t.Errorf("readReply() = %q, %+v, want %q, %+v", words, servers, test.words, test.servers)
			}
			if got := errText(err); (test.err == "") != (err == nil) || !strings.Contains(got, test.err) {
				t.Errorf("readReply() = %v, want an error with %q", err, test.err)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// FuzzReadReply: whatever a stranger answers, a drain that is not shown is never read.
func FuzzReadReply(f *testing.F) {
	f.Add(realTable)
	f.Add("\n" + realTable)
	f.Add("Permission denied\n\n")
	f.Add("1\n# be_id \n3 grpc\n\n")
	f.Fuzz(func(t *testing.T, reply string) {
		words, servers, err := readReply(reply, "grpc")
		if err == nil && words == "" && len(servers) == 0 && !strings.Contains(reply, "\n\n") {
			t.Errorf("readReply(%q) has neither words nor servers nor an error, and the reply is not whole", reply)
		}
		for _, s := range servers {
			if err != nil || s.name == "" && !strings.Contains(reply, "grpc") {
				t.Errorf("readReply(%q) = %+v, %v", reply, servers, err)
			}
		}
		if err := refusal(words); (words == "") != (err == nil) {
			t.Errorf("refusal(%q) = %v", words, err)
		}
	})
}

func TestRefusalSaysWhat(t *testing.T) {
	for words, want := range map[string]error{
		"":                  nil,
		"Permission denied": errDenied,
		"No such server.":   errNotKnown,
		"No such backend.\n\nCan't find backend.": errNotKnown,
		"Unknown command":                         ErrRefused,
	} {
		err := refusal(words)
		if !errors.Is(err, want) || want != nil && !errors.Is(err, ErrRefused) {
			t.Errorf("refusal(%q) = %v, want %v", words, err, want)
		}
	}
}

func TestFlags(t *testing.T) {
	for name, test := range map[string]struct {
		server     server
		up, absent bool
	}{
		"running":                    {server{op: running}, true, false},
		"slowstart":                  {server{op: starting}, true, false},
		"down":                       {server{op: down}, false, false},
		"404":                        {server{op: stopping}, false, false},
		"drained":                    {server{op: running, admin: forcedDrain}, false, true},
		"maintenance":                {server{admin: forcedMaint}, false, true},
		"disabled in configuration":  {server{admin: forcedMaint | configMaint}, false, true},
		"... and enabled since":      {server{op: running, admin: configMaint}, true, false},
		"tracks one in maintenance":  {server{admin: inheritedMaint}, false, false},
		"tracks one that is drained": {server{op: running, admin: inheritedDrain}, false, false},
		"DNS does not know it":       {server{admin: resolvingMaint}, false, false},
		"its name was changed":       {server{op: running, admin: fqdnChanged}, true, false},
	} {
		if test.server.up() != test.up || test.server.absent() != test.absent {
			t.Errorf("%s: up() = %v, absent() = %v, want %v, %v", name, test.server.up(), test.server.absent(), test.up, test.absent)
		}
		if (test.server.why() == "up") != test.up {
			t.Errorf("%s: why() = %q", name, test.server.why())
		}
	}
}
