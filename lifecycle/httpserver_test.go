// SPDX-License-Identifier: Apache-2.0

package lifecycle

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"testing"
)

// What asks for a certificate makes it TLS, as a list of certificates does.
func TestHTTPServerWithAFunctionForCertificates(t *testing.T) {
	errNone := errors.New("no certificate")
	asked := make(chan string, 2)
	for name, config := range map[string]*tls.Config{
		"GetCertificate": {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			asked <- "GetCertificate"
			return nil, errNone
		}},
		"GetConfigForClient": {GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			asked <- "GetConfigForClient"
			return nil, errNone
		}},
	} {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := HTTPServer(&http.Server{TLSConfig: config, ErrorLog: log.New(io.Discard, "", 0)})
		served := make(chan error, 1)
		go func() { served <- s.Serve(lis) }()
		if conn, err := tls.Dial("tcp", lis.Addr().String(), &tls.Config{ServerName: "localhost"}); err == nil {
			conn.Close()
			t.Errorf("%s: Dial() = nil, want the server's refusal", name)
		}
		select {
		case got := <-asked:
			if got != name {
				t.Errorf("%s was asked, want %s", got, name)
			}
		default:
			t.Errorf("%s was not asked, want TLS", name)
		}
		s.GracefulStop()
		if err := <-served; err != nil {
			t.Errorf("%s: Serve() = %v after GracefulStop, want nil", name, err)
		}
	}
}
