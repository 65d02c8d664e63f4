// SPDX-License-Identifier: Apache-2.0

package nacostest

import (
	"crypto/rand"
	"net/http"
	"time"
)

// DefaultTokenTTL is how long a login holds on the official servers.
const DefaultTokenTTL = 18000 * time.Second

// Auth makes the server ask for a login, as nacos.core.auth.enabled=true does:
// every naming request needs a token from POST /nacos/v1/auth/users/login, and is
// refused as [Forbidden] without one.
type Auth struct {
	Username, Password string
	// TokenTTL is a multiple of a second. Zero means [DefaultTokenTTL]. The SDK
	// looks every 5 s whether a token has to be renewed.
	TokenTTL time.Duration
	// Version is whose answers a login gets that fails; empty means V25.
	Version AuthVersion
	// OpenList leaves the v1 instance list open, which otherwise needs the token
	// in the parameter or header accessToken.
	OpenList bool
}

// AuthVersion is a line of servers whose answers to a login that fails differ.
type AuthVersion string

const (
	// V25 is 2.5.1: 403 to a wrong password, 500 to an unknown user.
	V25 AuthVersion = "2.5"
	// V30 is 3.0.3: 500 to both.
	V30 AuthVersion = "3.0"
)

// ExpireTokens makes every token handed out so far invalid, as a change of the
// server's secret does.
func (s *Server) ExpireTokens() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	clear(s.faults.tokens)
}

// allowed tells whether a request may pass with this token.
func (s *Server) allowed(token string) bool {
	if s.opts.Auth == nil {
		return true
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	expires, ok := s.faults.tokens[token]
	return ok && time.Now().Before(expires)
}

func (l *life) postLogin(w http.ResponseWriter, r *http.Request) {
	if !l.letPass(w, r, Login) {
		return
	}
	auth := l.server.opts.Auth
	if auth == nil {
		auth = &Auth{}
	}
	user, password := r.FormValue("username") == auth.Username, r.FormValue("password") == auth.Password
	switch {
	case user && password:
	case auth.Version == V30:
		http.Error(w, "Handle API Compatibility failed: unknown user!", http.StatusInternalServerError)
		return
	case !user:
		http.Error(w, "caused: User "+r.FormValue("username")+" not found;", http.StatusInternalServerError)
		return
	default:
		http.Error(w, "unknown user!", http.StatusForbidden)
		return
	}
	ttl := auth.TokenTTL
	if ttl <= 0 {
		ttl = DefaultTokenTTL
	}
	token := rand.Text()
	l.server.faults.mu.Lock()
	l.server.faults.tokens[token] = time.Now().Add(ttl)
	l.server.faults.mu.Unlock()
	writeJSON(w, map[string]any{
		"accessToken": token,
		"tokenTtl":    int(ttl / time.Second),
		"globalAdmin": true,
		"username":    auth.Username,
	})
}

// permit refuses an HTTP request without a valid token.
func (l *life) permit(w http.ResponseWriter, r *http.Request) bool {
	token := r.FormValue("accessToken")
	if token == "" {
		token = r.Header.Get("accessToken")
	}
	if l.server.allowed(token) {
		return true
	}
	http.Error(w, "user not found!", http.StatusForbidden)
	return false
}
