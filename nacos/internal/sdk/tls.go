// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
)

// TLS is the TLS of package nacos, where its fields are explained.
type TLS struct {
	CAFile                string
	CertFile, KeyFile     string
	SkipVerify, PlainHTTP bool
}

func (t *TLS) settings() constant.TLSConfig {
	if t == nil {
		return constant.TLSConfig{}
	}
	return constant.TLSConfig{
		Enable:   true,
		TrustAll: t.SkipVerify,
		CaFile:   t.CAFile,
		CertFile: t.CertFile,
		KeyFile:  t.KeyFile,
	}
}

// loadTLS reads every file that the SDK will read at each connect, because there a bad one ends the process
// (log.Fatalf in getTLSCredentials) or is ignored. What it returns is for the HTTP port and trusts the same.
func loadTLS(c constant.TLSConfig) (*tls.Config, error) {
	if !c.Enable {
		return nil, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("nacos: Config.TLS: the system's roots: %w", err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, InsecureSkipVerify: c.TrustAll}
	if c.CaFile != "" {
		pem, err := os.ReadFile(c.CaFile)
		if err != nil {
			return nil, fmt.Errorf("nacos: Config.TLS.CAFile: %w", err)
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("nacos: Config.TLS.CAFile: %s has no certificate in PEM", c.CaFile)
		}
	}
	switch {
	case c.CertFile == "" && c.KeyFile == "":
		return out, nil
	case c.CertFile == "":
		return nil, errors.New("nacos: Config.TLS.CertFile: empty, but there is a KeyFile")
	case c.KeyFile == "":
		return nil, errors.New("nacos: Config.TLS.KeyFile: empty, but there is a CertFile")
	}
	if _, err := os.Stat(c.KeyFile); err != nil {
		return nil, fmt.Errorf("nacos: Config.TLS.KeyFile: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("nacos: Config.TLS.CertFile: %w", err)
	}
	out.Certificates = []tls.Certificate{pair}
	return out, nil
}
