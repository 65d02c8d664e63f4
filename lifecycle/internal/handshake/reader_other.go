// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package handshake

// A reader has nothing to add where grpc-go reads a *net.TCPConn like any other connection.
type reader struct{}
