// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/lameduck-go/lameduck/admin"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// What is wrong is named, and changes nothing.
func TestWrongRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		for _, c := range []struct {
			method, target string
			code           int
			allow, text    string
		}{
			{"GET", "/", 404, "", `there is nothing at "/"`},
			{"POST", "/undrain", 404, "", `"/undrain"`},
			{"GET", "/readyz/", 404, "", `"/readyz/"`},

			{"POST", "/livez", 405, "GET, HEAD", `"POST" is not allowed`},
			{"PUT", "/readyz", 405, "GET, HEAD", `"PUT" is not allowed`},
			{"OPTIONS", "/trafficz", 405, "GET, HEAD", "want GET, HEAD"},
			{"DELETE", "/status", 405, "GET, HEAD", "want GET, HEAD"},
			{"GET", "/drain", 405, "POST", "want POST"},
			{"HEAD", "/drain", 405, "POST", "want POST"},
			{"GET", "/resume", 405, "POST", "want POST"},
			{"GET", "/shutdown", 405, "POST", "want POST"},
			{"GET", "/force", 405, "POST", "want POST"},

			{"POST", "/drain?wait=", 400, "", `parameter wait: "" is no duration`},
			{"POST", "/drain?wait=30", 400, "", `parameter wait: "30" is no duration`},
			{"POST", "/drain?wait=-1s", 400, "", `parameter wait: "-1s" is negative`},
			{"POST", "/drain?wait=1s&wait=2s", 400, "", "parameter wait is given 2 times"},
			{"POST", "/drain?wiat=1s", 400, "", `parameter "wiat" is not known`},
			{"POST", "/drain?budget=1s", 400, "", `parameter "budget" is not known`},
			{"POST", "/drain?wait=1s;budget=1s", 400, "", "the query cannot be read"},
			{"POST", "/resume?wait=soon", 400, "", "parameter wait"},
			{"POST", "/shutdown?wait=-1s", 400, "", "parameter wait"},
			{"POST", "/shutdown?budget=", 400, "", "parameter budget"},
			{"POST", "/shutdown?budget=-1s", 400, "", "parameter budget"},
			{"POST", "/shutdown?grace=1s", 400, "", `parameter "grace" is not known`},
			{"POST", "/force?now=1", 400, "", `parameter "now" is not known`},
			{"GET", "/status?pretty=1", 400, "", `parameter "pretty" is not known`},
			{"GET", "/readyz?verbose", 400, "", `parameter "verbose" is not known`},
			{"GET", "/trafficz?gone=503", 400, "", `parameter gone: "503" is not 404`},
			{"GET", "/trafficz?gone", 400, "", `parameter gone: "" is not 404`},
		} {
			a := ask(t, r, c.method, c.target)
			if a.code != c.code || a.header.Get("Allow") != c.allow || !strings.Contains(a.text("error"), c.text) {
				t.Errorf("%s %s = %d, Allow %q, %v; want %d, %q, and %q in the error",
					c.method, c.target, a.code, a.header.Get("Allow"), a.keys, c.code, c.allow, c.text)
			}
		}
		want(t, "a liveness probe with any query", ask(t, r, "GET", "/livez?verbose;"), 200, serving, "")
		want(t, "afterwards", ask(t, r, "GET", "/trafficz"), 200, serving, "")
		if r.log.String() != "" {
			t.Errorf("the log has %s, want nothing", r.log)
		}
	})
}

func TestBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		body := func(content io.Reader) func(*http.Request) {
			return func(r *http.Request) { r.Body = io.NopCloser(content) }
		}
		errBroken := errors.New("broken")
		for text, c := range map[string]struct {
			content io.Reader
			code    int
		}{
			"longer than 65536 bytes": {strings.NewReader(strings.Repeat("x", 64<<10+1)), 413},
			"cannot be read: broken":  {iotest.ErrReader(errBroken), 400},
		} {
			if a := ask(t, r, "POST", "/drain", body(c.content)); a.code != c.code || !strings.Contains(a.text("error"), text) {
				t.Errorf("%d %v, want %d and %q", a.code, a.keys, c.code, text)
			}
		}
		want(t, "afterwards", ask(t, r, "GET", "/trafficz"), 200, serving, "")
		want(t, "ignored", ask(t, r, "POST", "/drain", body(strings.NewReader(strings.Repeat("x", 64<<10)))), 202, draining, "")
	})
}

func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t).listed(t)
		state := func(a answer) any { return a.keys["status"].(map[string]any)["state"] }
		for _, method := range []string{"GET", "HEAD"} {
			a := ask(t, r, method, "/status")
			if _, has := a.keys["report"]; a.code != 200 || state(a) != "serving" || has {
				t.Errorf("%s: %d %v, want 200, serving and no report", method, a.code, a.keys)
			}
		}
		ask(t, r, "POST", "/drain?wait=30s")
		a := ask(t, r, "GET", "/status")
		report, _ := a.keys["report"].(map[string]any)
		if state(a) != "draining" || report["trigger"] != "drain by hand" || report["outcome"] != "drained" {
			t.Errorf("%v, want draining, and the report of the drain", a.keys)
		}
		if line := r.log.String(); !strings.Contains(line, `request="POST /drain" query="wait=30s" code=200 remote=127.0.0.1:40000`) {
			t.Errorf("the log has %q, want who has drained", line)
		}
	})
}

func TestNothingGiven(t *testing.T) {
	for _, h := range []http.Handler{admin.Handler(nil), admin.Probes(nil)} {
		if a := ask(t, h, "GET", "/livez"); a.code != 500 || !strings.Contains(a.text("error"), "the Manager is nil") {
			t.Errorf("nil Manager: %d %v, want 500", a.code, a.keys)
		}
	}
	m := lifecycle.New(nil)
	h := admin.Handler(m, nil, admin.WithAuthorize(nil), admin.WithLogger(nil))
	if a := ask(t, h, "GET", "/status"); a.code != 200 {
		t.Errorf("nil options: %d %v, want 200", a.code, a.keys)
	}
	if a := ask(t, h, "GET", "/status", func(r *http.Request) { r.Host = "example.com" }); a.code != 403 {
		t.Errorf("WithAuthorize(nil): %d %v for any Host, want 403: the rule is in force", a.code, a.keys)
	}
}

func TestStripPrefix(t *testing.T) {
	h := http.StripPrefix("/lameduck", admin.Probes(lifecycle.New(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/lameduck/livez", nil))
	if w.Code != 200 {
		t.Errorf("%d %s, want 200", w.Code, w.Body)
	}
}
