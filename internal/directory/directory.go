// SPDX-License-Identifier: Apache-2.0

// Package directory is a registry in memory, for tests of instances that no Nacos knows: gateways, frameworks.
package directory

import (
	"context"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"time"
)

// Settle is generous: who reads the directory knows at once.
const Settle = 300 * time.Millisecond

// A Directory is a list of addresses. The zero value is empty and ready; all methods are safe for concurrent use.
type Directory struct {
	mu    sync.Mutex
	addrs []string
}

// Pick returns one of the addresses at random. It panics when there is none.
func (d *Directory) Pick() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.addrs[rand.IntN(len(d.addrs))]
}

// Entry returns a lifecycle.Registrar for addr, or, when that is empty, for the address that it is registered with.
func (d *Directory) Entry(addr string) *Entry { return &Entry{directory: d, addr: addr} }

// An Entry puts one address into a Directory.
type Entry struct {
	directory *Directory
	addr      string
}

func (e *Entry) Register(_ context.Context, addr net.Addr) error {
	e.directory.mu.Lock()
	defer e.directory.mu.Unlock()
	if e.addr == "" {
		e.addr = addr.String()
	}
	if !slices.Contains(e.directory.addrs, e.addr) {
		e.directory.addrs = append(e.directory.addrs, e.addr)
	}
	return nil
}

func (e *Entry) Deregister(context.Context) error {
	e.directory.mu.Lock()
	defer e.directory.mu.Unlock()
	e.directory.addrs = slices.DeleteFunc(e.directory.addrs, func(a string) bool { return a == e.addr })
	return nil
}

func (e *Entry) Settle() time.Duration { return Settle }
