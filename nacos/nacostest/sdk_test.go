// SPDX-License-Identifier: Apache-2.0

package nacostest_test

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/logger"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// quick is the timing of most tests: the order of things as on a real server,
// at a tenth of the time.
var quick = nacostest.Options{
	PushDelay:  50 * time.Millisecond,
	PushTick:   10 * time.Millisecond,
	AckTimeout: 500 * time.Millisecond,
	PushRetry:  100 * time.Millisecond,
	SyncDelay:  100 * time.Millisecond,
}

// patience is how long a test waits for something that must come.
const patience = 20 * time.Second

// sdk is an unmodified SDK client as the product configures it.
type sdk struct {
	t *testing.T
	naming_client.INamingClient
}

func dial(t *testing.T, servers ...string) *sdk {
	t.Helper()
	return dialWith(t, nil, servers...)
}

func dialWith(t *testing.T, change func(*vo.NacosClientParam), servers ...string) *sdk {
	t.Helper()
	quietSDK()
	param := vo.NacosClientParam{ClientConfig: &constant.ClientConfig{
		TimeoutMs:            1000,
		NotLoadCacheAtStart:  true,
		UpdateCacheWhenEmpty: true,
		CacheDir:             t.TempDir(),
		LogDir:               t.TempDir(),
	}}
	for _, s := range servers {
		host, port, err := net.SplitHostPort(s)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		param.ServerConfigs = append(param.ServerConfigs, constant.ServerConfig{IpAddr: host, Port: n, ContextPath: "/nacos"})
	}
	if change != nil {
		change(&param)
	}
	sdkClients.Lock()
	inner, err := clients.NewNamingClient(param)
	sdkClients.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	c := &sdk{t: t, INamingClient: inner}
	t.Cleanup(c.CloseClient)
	time.Sleep(startUp)
	return c
}

// startUp is given to a new client: its first connect sends again what was
// registered before the client had heard of the connect itself, which can undo a
// deregister (seen in 1.5 % of hasty starts on real servers). Nothing tells when
// that is over.
const startUp = 200 * time.Millisecond

// sdkClients is held while a client is made or closed: v2.3.5 keeps all of them in
// a map, from which Shutdown deletes without a lock.
var sdkClients sync.Mutex

func (c *sdk) CloseClient() {
	sdkClients.Lock()
	defer sdkClients.Unlock()
	c.INamingClient.CloseClient()
}

// The SDK's log belongs to the process and the first one set stays. The local
// address is cached by the first caller without a lock.
var quietSDK = sync.OnceFunc(func() {
	logger.SetLogger(silent{})
	util.LocalIP()
})

type silent struct{}

func (silent) Info(...any)           {}
func (silent) Warn(...any)           {}
func (silent) Error(...any)          {}
func (silent) Debug(...any)          {}
func (silent) Infof(string, ...any)  {}
func (silent) Warnf(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Debugf(string, ...any) {}
func (silent) Close() error          { return nil }

func registration(service, addr string) vo.RegisterInstanceParam {
	host, port, _ := net.SplitHostPort(addr)
	n, _ := strconv.ParseUint(port, 10, 16)
	return vo.RegisterInstanceParam{
		Ip: host, Port: n, ServiceName: service,
		Weight: 10, Enable: true, Healthy: true, Ephemeral: true,
	}
}

func (c *sdk) register(service, addr string) {
	c.t.Helper()
	if ok, err := c.RegisterInstance(registration(service, addr)); !ok || err != nil {
		c.t.Fatalf("RegisterInstance(%s, %s) = %v, %v, want true, nil", service, addr, ok, err)
	}
}

func (c *sdk) deregister(service, addr string) {
	c.t.Helper()
	r := registration(service, addr)
	p := vo.DeregisterInstanceParam{Ip: r.Ip, Port: r.Port, ServiceName: service, Ephemeral: true}
	if ok, err := c.DeregisterInstance(p); !ok || err != nil {
		c.t.Fatalf("DeregisterInstance(%s, %s) = %v, %v, want true, nil", service, addr, ok, err)
	}
}

// view is what a subscription's callbacks have shown.
type view struct {
	t     *testing.T
	mu    sync.Mutex
	lists []list
	news  chan struct{}
}

type list struct {
	at    time.Time
	hosts []model.Instance
}

func (l list) addrs() []string {
	out := []string{}
	for _, h := range l.hosts {
		out = append(out, net.JoinHostPort(h.Ip, strconv.FormatUint(h.Port, 10)))
	}
	slices.Sort(out)
	return out
}

func (c *sdk) subscribe(service string) *view {
	c.t.Helper()
	v := &view{t: c.t, news: make(chan struct{}, 1)}
	param := &vo.SubscribeParam{ServiceName: service, SubscribeCallback: v.callback}
	if group, name, ok := strings.Cut(service, "@@"); ok {
		param.GroupName, param.ServiceName = group, name
	}
	if err := c.Subscribe(param); err != nil {
		c.t.Fatalf("Subscribe(%s) = %v, want nil", service, err)
	}
	return v
}

func (v *view) callback(hosts []model.Instance, _ error) {
	v.mu.Lock()
	v.lists = append(v.lists, list{at: time.Now(), hosts: slices.Clone(hosts)})
	v.mu.Unlock()
	select {
	case v.news <- struct{}{}:
	default:
	}
}

// all returns every list shown so far.
func (v *view) all() []list {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.lists)
}

// wait blocks until the last list has exactly these addresses.
func (v *view) wait(addrs ...string) list {
	v.t.Helper()
	slices.Sort(addrs)
	return v.until("list of "+strings.Join(addrs, " "), func(l list) bool { return slices.Equal(l.addrs(), addrs) })
}

// until blocks until the last list satisfies ok.
func (v *view) until(want string, ok func(list) bool) list {
	v.t.Helper()
	deadline := time.After(patience)
	for {
		lists := v.all()
		if n := len(lists); n > 0 && ok(lists[n-1]) {
			return lists[n-1]
		}
		select {
		case <-v.news:
		case <-deadline:
			for _, l := range lists {
				v.t.Logf("%s %v", l.at.Format("15:04:05.000"), l.addrs())
			}
			v.t.Fatalf("callbacks ended with the last list above, want %s", want)
		}
	}
}

// eventually polls, for states that announce themselves to nobody.
func eventually(t *testing.T, want string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("after %v: want %s", patience, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
