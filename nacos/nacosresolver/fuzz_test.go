// SPDX-License-Identifier: Apache-2.0

package nacosresolver

import (
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var namesPart = regexp.MustCompile(`^(authority|service|fragment|parameters?)\b`)

// FuzzParseTarget feeds targets that people type: an error that names the part, or a query that survives being written
// as a target.
func FuzzParseTarget(f *testing.F) {
	f.Add("nacos:///orders")
	f.Add("nacos:orders?group=shop&namespace=staging&cluster=north,south")
	f.Add("nacos://10.0.0.1:8848/a@@b?grp=x#y")
	f.Add("nacos:///a%2Fb?cluster=")
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.Parse(target)
		if err != nil {
			return
		}
		q, err := parseTarget(*u)
		if err != nil {
			if !namesPart.MatchString(err.Error()) {
				t.Fatalf("parseTarget(%q) = %v, want an error that names the part", target, err)
			}
			return
		}
		params := url.Values{"group": {q.group}, "namespace": {q.namespace}}
		if len(q.clusters) > 0 {
			params.Set("cluster", strings.Join(q.clusters, ","))
		}
		again, err := parseTarget(url.URL{Scheme: Scheme, Path: "/" + q.service, RawQuery: params.Encode()})
		if err != nil || !reflect.DeepEqual(again, q) {
			t.Fatalf("parseTarget(%q) = %+v, and written as a target again %+v, %v", target, q, again, err)
		}
	})
}
