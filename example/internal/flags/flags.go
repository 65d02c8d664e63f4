// SPDX-License-Identifier: Apache-2.0

// Package flags reads command lines the way the example programs do: what is wrong with one is said
// in a single line that names the flag.
package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
)

// Exit codes of the example programs.
const (
	ExitError = 1 // it did not work
	ExitUsage = 2 // the command line is wrong
)

// Parse reads args into set. It writes nothing: what is wrong is in the error, and -help is
// [flag.ErrHelp], for which [Exit] has the text.
func Parse(set *flag.FlagSet, args []string) error {
	set.SetOutput(io.Discard)
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: everything is a flag", set.Arg(0))
	}
	return nil
}

// Exit writes what a failed Parse has to say and returns the exit status: the list of flags and 0 for
// -help, one line and ExitUsage for everything else.
func Exit(set *flag.FlagSet, err error, stderr io.Writer) int {
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stderr, "Flags of %s:\n", set.Name())
		set.SetOutput(stderr)
		set.PrintDefaults()
		return 0
	}
	fmt.Fprintf(stderr, "%s: %v\n", set.Name(), err)
	return ExitUsage
}

// Wrong is the error for a flag whose value cannot be used.
func Wrong(name string, value any, why string) error {
	return fmt.Errorf("invalid value \"%v\" for flag -%s: %s", value, name, why)
}

// HostPort returns an error unless addr is HOST:PORT with a port from lowest to 65535.
func HostPort(name, addr string, lowest int) error {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return Wrong(name, addr, "want HOST:PORT, an IPv6 address in brackets")
	}
	if host == "" {
		return Wrong(name, addr, "the host is missing")
	}
	return port(name, addr, number, lowest)
}

// Listen returns an error unless addr is HOST:PORT or :PORT; port 0 lets the system choose.
func Listen(name, addr string) error {
	_, number, err := net.SplitHostPort(addr)
	if err != nil {
		return Wrong(name, addr, "want HOST:PORT, an IPv6 address in brackets")
	}
	return port(name, addr, number, 0)
}

// Advertise returns an error unless addr is empty, IP, :PORT or IP:PORT.
func Advertise(name, addr string) error {
	if addr == "" {
		return nil
	}
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	switch ip := net.ParseIP(host); {
	case ip == nil && host != "":
		return Wrong(name, addr, "want IP, :PORT or IP:PORT, an IPv6 address with a port in brackets")
	case ip.IsUnspecified():
		return Wrong(name, addr, "nobody can dial "+host)
	case err != nil:
		return nil
	}
	return port(name, addr, number, 1)
}

func port(name, addr, number string, lowest int) error {
	if n, err := strconv.ParseUint(number, 10, 16); err != nil || int(n) < lowest {
		return Wrong(name, addr, fmt.Sprintf("the port is not a number from %d to 65535", lowest))
	}
	return nil
}
