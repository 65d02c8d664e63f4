// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/nacos_server"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/common/security"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// clientMap guards the SDK's process-wide map of gRPC clients, which CreateClient locks and Shutdown does not (v2.3.5).
// It is held while an entry is made or taken out, and never while anybody waits for the registry.
var clientMap sync.Mutex

// lastConnect is how long a connect that was under way at the close may take to end (v2.3.5: 3 s for the server's
// check, and 0.1 s after the set-up).
const lastConnect = 4 * time.Second

// A wire is what we take of the SDK: its choice of servers with the login, and its gRPC client, which connects,
// reconnects and looks whether the connection lives. The rest of its naming client is left out: that opens a UDP port
// on all interfaces which anybody can send lists to, writes each list to a file by a name that the sender chooses, and
// leaves a goroutine behind when it is closed (v2.3.5, PushReceiver and ServiceInfoHolder); and what it repeats after a
// connect races with the calls.
type wire struct {
	config constant.ClientConfig
	server *nacos_server.NacosServer
	client *rpc.RpcClient
	cancel context.CancelFunc

	onConnected func()
	closing     atomic.Bool
	late        chan struct{} // connected after close
}

// dial logs in, and connects or goes on trying. onConnected is called after each connect, onPush with each list that is
// pushed; both must return at once. It blocks for the SDK's own limits: 3 s for each of three attempts, 30 s for a
// server that is starting.
func (s *Settings) dial(agent *agent, onConnected func(), onPush func(*model.Service)) (*wire, error) {
	ctx, cancel := context.WithCancel(context.Background())
	param := s.parameters()
	config := *param.ClientConfig
	header := http.Header{"Client-Version": {constant.CLIENT_VERSION}, "User-Agent": {constant.CLIENT_VERSION}, "Request-Module": {"Naming"}}
	server, err := nacos_server.NewNacosServerWithRamCredentialProvider(ctx, param.ServerConfigs, config, agent, config.TimeoutMs,
		config.Endpoint, header, param.RamCredentialProvider)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("nacos-sdk-go: %w", err)
	}
	select { // the first answer of an address server is no change: a second connect would race with the first
	case <-server.ServerSrcChangeSignal:
	default:
	}
	labels := map[string]string{constant.LABEL_SOURCE: constant.LABEL_SOURCE_SDK, constant.LABEL_MODULE: constant.LABEL_MODULE_NAMING}
	clientMap.Lock()
	made, err := rpc.CreateClient(ctx, "lameduck-"+rand.Text(), rpc.GRPC, labels, server, &config.TLSCfg, config.AppConnLabels)
	clientMap.Unlock()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("nacos-sdk-go: %w", err)
	}
	w := &wire{
		config: config, server: server, client: made.GetRpcClient(), cancel: cancel,
		onConnected: onConnected, late: make(chan struct{}, 1),
	}
	w.client.RegisterConnectionListener(w)
	w.client.RegisterServerRequestHandler(func() rpc_request.IRequest {
		return &rpc_request.NotifySubscriberRequest{NamingRequest: &rpc_request.NamingRequest{Request: &rpc_request.Request{}}}
	}, pushes(onPush))
	w.client.Start()
	return w, nil
}

// request blocks for about the timeout: it is tried three times within it, and a connection whose answers are errors is
// given up (v2.3.5). Without a connection it fails after a moment, and before the SDK does: that reads the state of its
// client there without a lock.
func (w *wire) request(r rpc_request.IRequest) (rpc_response.IResponse, error) {
	for range 3 {
		if w.connected() {
			break
		}
		time.Sleep(connectMoment)
	}
	if !w.connected() {
		return nil, errNotConnected
	}
	w.server.InjectSecurityInfo(r.GetHeaders(), security.BuildNamingResourceByRequest(r))
	return w.client.Request(r, int64(w.config.TimeoutMs))
}

func (w *wire) connected() bool { return w.client.IsRunning() }

// close ends the connection, and returns at once. What it returns does the rest, for lastConnect: a connect that is under
// way, which nothing tells, makes a new connection all the same, and the SDK takes itself for alive then (v2.3.5,
// reconnect).
func (w *wire) close() (rest func()) {
	w.closing.Store(true)
	w.shutdown()
	return func() {
		defer w.cancel()
		limit := time.NewTimer(lastConnect)
		defer limit.Stop()
		for {
			select {
			case <-w.late:
				w.shutdown()
			case <-limit.C:
				if w.connected() {
					w.shutdown()
				}
				return
			}
		}
	}
}

// shutdown must not be called once the context of dial has ended: nobody takes the event then that it makes.
func (w *wire) shutdown() {
	clientMap.Lock()
	defer clientMap.Unlock()
	w.client.Shutdown()
}

// OnConnected runs on the goroutine that takes the SDK's events.
func (w *wire) OnConnected() {
	if !w.closing.Load() {
		w.onConnected()
		return
	}
	select {
	case w.late <- struct{}{}:
	default:
	}
}

func (w *wire) OnDisConnect() {}

type pushes func(*model.Service)

func (pushes) Name() string { return "lameduck" }

// RequestReply runs on the goroutine that receives from the registry, so pushes come in their order.
func (f pushes) RequestReply(r rpc_request.IRequest, _ *rpc.RpcClient) rpc_response.IResponse {
	notify, ok := r.(*rpc_request.NotifySubscriberRequest)
	if !ok {
		return nil
	}
	f(&notify.ServiceInfo)
	return &rpc_response.NotifySubscriberResponse{
		Response: &rpc_response.Response{ResultCode: constant.RESPONSE_CODE_SUCCESS, Success: true},
	}
}

// connectMoment is a third of the time that a request waits for a connection.
const connectMoment = 100 * time.Millisecond

var errNotConnected = errors.New("not connected to the registry")

const (
	// notConnected is part of the SDK's errors of a request that was not sent (v2.3.5, RpcClient.Request).
	notConnected = "client not connected"
	// transportError begins the errors of grpc-go, which the SDK hands on as they are; an answer of the registry has
	// its own text.
	transportError = "rpc error:"
)

func wasSent(err error) bool {
	return err == nil || !errors.Is(err, errNotConnected) && !strings.Contains(err.Error(), notConnected)
}
