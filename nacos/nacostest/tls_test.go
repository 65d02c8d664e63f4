// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"testing"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

func TestTLSOnBothPorts(t *testing.T) {
	t.Parallel()
	config, caFile, err := nacostest.NewTLS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o := guarded() // so that the SDK logs in, over HTTPS
	o.TLS = config
	s := nacostest.Start(t, o)

	us := dialWith(t, func(p *vo.NacosClientParam) {
		as("shop", "secret")(p)
		p.ClientConfig.TLSCfg = constant.TLSConfig{Appointed: true, Enable: true, CaFile: caFile}
		p.ServerConfigs[0].Scheme = "https"
	}, s.Addr())
	ours := us.subscribe("orders")
	us.register("orders", here)
	ours.wait(here)

	list := "https://" + s.Addr() + "/nacos/v1/ns/instance/list?serviceName=orders"
	resp, err := trusting(t, caFile).Get(list)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("GET list over HTTPS without a token = %d, want 403", resp.StatusCode)
	}
	if resp, err := http.Get(list); err == nil {
		resp.Body.Close()
		t.Errorf("GET list without the CA = %d, want an error", resp.StatusCode)
	}
	if status, _ := get(t, s, "/nacos/v1/ns/instance/list?serviceName=orders"); status != http.StatusBadRequest {
		t.Errorf("GET list without TLS = %d, want 400", status)
	}
}

func trusting(t *testing.T, caFile string) *http.Client {
	t.Helper()
	text, err := os.ReadFile(caFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("%s holds no certificate", caFile)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
