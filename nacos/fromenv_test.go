// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestConfigFromEnv(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environ []string
		want    Config
		wrong   []string // what the error names
	}{
		"nothing": {[]string{"PATH=/bin", "LAMEDUCK_BUDGET=1s", "LAMEDUCK_NACOS_TLS="}, Config{}, nil},
		"everything": {
			[]string{
				"LAMEDUCK_NACOS_SERVERS=a:8848, b:8848,", "LAMEDUCK_NACOS_NAMESPACE=staging", "LAMEDUCK_NACOS_USERNAME=u",
				"LAMEDUCK_NACOS_PASSWORD=p=q", "LAMEDUCK_NACOS_TIMEOUT=2s", "LAMEDUCK_NACOS_CA_FILE=ca.pem",
			},
			Config{
				Servers: []string{"a:8848", "b:8848"}, Namespace: "staging", Username: "u", Password: "p=q",
				Timeout: 2 * time.Second, TLS: &TLS{CAFile: "ca.pem"},
			},
			nil,
		},
		"TLS alone": {[]string{"LAMEDUCK_NACOS_TLS=true"}, Config{TLS: &TLS{}}, nil},
		"mistakes": {
			[]string{"LAMEDUCK_NACOS_TIMEOUT=2", "LAMEDUCK_NACOS_TLS=on", "LAMEDUCK_NACOS_USER=u"},
			Config{},
			[]string{"LAMEDUCK_NACOS_TIMEOUT", "LAMEDUCK_NACOS_TLS", "LAMEDUCK_NACOS_USER: no such variable"},
		},
	} {
		got, err := configFrom(test.environ)
		if len(test.wrong) == 0 && err != nil || len(test.wrong) == 0 && !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, test.want)
		}
		for _, part := range test.wrong {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want one with %q", name, err, part)
			}
		}
	}
}
