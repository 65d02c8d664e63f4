// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

const loginPath = "/v1/auth/users/login"

const (
	// loginsMost answers that may mean a refusal are one.
	loginsMost  = 3
	loginsPause = 200 * time.Millisecond // at most, between two of them
)

// errMaybeRefused is the answer of a server that is in trouble, or that does not accept our login.
var errMaybeRefused = errors.New("login: no answer that tells")

// logIn logs in and keeps the outcome. A refusal is no 4xx everywhere: 3.0.3 answers every failed login with a 500,
// 2.5.1 does so for an unknown user. As long as no login was good such an answer is asked for again, and believed the
// third time if its text is one of these, or the server is well otherwise.
func (a *agent) logIn(req *http.Request, timeout time.Duration) (*http.Response, error) {
	var resp *http.Response
	var token string
	var err error
	for attempt := 1; ; attempt++ {
		if attempt > 1 {
			time.Sleep(rand.N(loginsPause))
			if req.Body, err = req.GetBody(); err != nil {
				break
			}
		}
		if resp, err = a.do(req, timeout); err == nil {
			token, err = parseLogin(resp)
		}
		if !errors.Is(err, errMaybeRefused) || a.wasGood() {
			break
		}
		if attempt == loginsMost {
			if saysRefused(err) || a.isWell(req, timeout) {
				err = fmt.Errorf("%w: %w", ErrLogin, err)
			}
			break
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.login = err
	if err != nil {
		return nil, err
	}
	a.token = token
	return resp, nil
}

func (a *agent) wasGood() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.token != ""
}

// saysRefused knows the texts of 2.5.1 and 3.0.3.
func saysRefused(err error) bool {
	text := err.Error()
	for _, known := range []string{"caused: User", "Handle API Compatibility failed", "unknown user"} {
		if strings.Contains(text, known) {
			return true
		}
	}
	return false
}

// isWell asks the same server for something else: one in trouble answers that with a 5xx, too.
func (a *agent) isWell(login *http.Request, timeout time.Duration) bool {
	at := strings.TrimSuffix(login.URL.String(), loginPath) + listPath + "?serviceName=lameduck"
	req, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		return false
	}
	resp, err := a.do(req, timeout)
	return err == nil && resp.StatusCode < http.StatusInternalServerError
}

// parseLogin reads the token. An answer whose token or lifetime has the wrong type is made an error here: the SDK would
// panic on it (NacosAuthClient.login, v2.3.5).
func parseLogin(resp *http.Response) (token string, err error) {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	quote := bytes.TrimSpace(body[:min(len(body), quoteMost)])
	switch {
	case resp.StatusCode >= 400 && resp.StatusCode < 500:
		return "", fmt.Errorf("%w: %s: %s", ErrLogin, resp.Status, quote)
	case resp.StatusCode == http.StatusInternalServerError:
		return "", fmt.Errorf("%w: %s: %s", errMaybeRefused, resp.Status, quote)
	case resp.StatusCode != http.StatusOK:
		return "", fmt.Errorf("login: %s: %s", resp.Status, quote)
	}
	var answer struct {
		AccessToken *string  `json:"accessToken"`
		TokenTTL    *float64 `json:"tokenTtl"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("login: answer: %w", err)
	}
	if answer.AccessToken == nil || answer.TokenTTL == nil {
		return "", fmt.Errorf("login: the answer has no accessToken or no tokenTtl: %s", quote)
	}
	return *answer.AccessToken, nil
}
