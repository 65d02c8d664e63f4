// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lameduck-go/lameduck/nacos/nacostest"
)

// The SDK's naming client takes lists from anybody at a UDP port of this range (v2.3.5, PushReceiver).
const firstPushPort, lastPushPort = 54951, 55950

// datagram is a push of Nacos 1.x, compressed when it is large.
func datagram(t *testing.T, group, name string, hosts []any) []byte {
	t.Helper()
	stamp := time.Now().Add(time.Hour).UnixMilli()
	list, err := json.Marshal(map[string]any{"name": name, "groupName": group, "cacheMillis": 10000, "lastRefTime": stamp, "hosts": hosts})
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(map[string]any{"type": "dom", "data": string(list), "lastRefTime": stamp})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 4000 {
		return out
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(out); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func forgedHost(metadata string) []any {
	return []any{map[string]any{
		"ip": "10.6.6.6", "port": 666, "weight": 1, "healthy": true, "enabled": true, "metadata": map[string]string{"a": metadata},
	}}
}

// forge sends each datagram to every port that the SDK might listen at. The program's own socket among them must hear
// them.
func forge(t *testing.T, program *net.UDPConn, datagrams ...[]byte) {
	t.Helper()
	from, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	buf := make([]byte, 64<<10)
	for _, d := range datagrams {
		for port := firstPushPort; port <= lastPushPort; port++ {
			// A port where nobody listens may be an error of the next write.
			_, _ = from.WriteToUDP(d, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		}
		if err := program.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := program.Read(buf); err != nil || !bytes.Equal(buf[:n], d) {
			t.Fatalf("a socket of the program reads %d bytes, %v; want the datagram", n, err)
		}
	}
}

// programSocket is a socket of somebody else's in the range.
func programSocket(t *testing.T) *net.UDPConn {
	t.Helper()
	for port := firstPushPort; port <= lastPushPort; port++ {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			return c
		}
	}
	t.Fatal("no UDP port is free in the range")
	return nil
}

// TestForgedDatagram is not parallel: it counts the heap of the process, and sets its temporary directory.
func TestForgedDatagram(t *testing.T) {
	home := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(home, "tmp"))
	t.Setenv("HOME", home)
	t.Chdir(home)
	registry := nacostest.Start(t, nacostest.Options{PushDelay: 50 * time.Millisecond})
	c := connect(t, Config{Servers: []string{registry.Addr()}})
	got := lists(t, c, "orders")
	next(t, got, 0)
	program := programSocket(t)
	// The way out of the directory that the SDK would take for its cache.
	escape := strings.Repeat("../", 20) + filepath.Join(home, "out")
	var padded [][]byte
	for n := range 100 {
		padded = append(padded, datagram(t, DefaultGroup, "padded-"+strconv.Itoa(n), forgedHost(strings.Repeat("A", 1<<20))))
	}
	for name, datagrams := range map[string][][]byte{
		"another address":                 {datagram(t, DefaultGroup, "orders", forgedHost(""))},
		"an empty list":                   {datagram(t, DefaultGroup, "orders", []any{})},
		"a file outside of the directory": {datagram(t, escape, "evil.conf", forgedHost(""))},
		"lists for the heap and the disk": padded,
		"no list at all":                  {[]byte("{"), {0}, bytes.Repeat([]byte{0xff}, 4000)},
	} {
		t.Run(name, func(t *testing.T) {
			before := heap()
			forge(t, program, datagrams...)
			if grown := int64(heap()) - int64(before); grown > 20<<20 {
				t.Errorf("the heap has grown by %d MiB", grown>>20)
			}
			wantNoFile(t, home)
			withdraw, err := registry.Publish("orders", "10.0.0.7:9090")
			if err != nil {
				t.Fatal(err)
			}
			if l := next(t, got, 1); l[0].Ip != "10.0.0.7" {
				t.Errorf("callback with %+v, want the registry's own list", l)
			}
			withdraw()
			next(t, got, 0)
		})
	}
	if ports, err := nacostest.SDKPorts(); err == nil && len(ports) != 1 {
		t.Errorf("UDP ports %v, want the one that the test has opened", ports)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func wantNoFile(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != dir {
			t.Errorf("%s was written", path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}
