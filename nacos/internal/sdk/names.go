// SPDX-License-Identifier: Apache-2.0

package sdk

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// DefaultCluster and DefaultGroup are what the registry calls a cluster and a group without a name.
const (
	DefaultCluster = "DEFAULT"
	DefaultGroup   = "DEFAULT_GROUP"
)

// The parameter check of the official servers since 2.3.0 (ParamCheckRule).
const serviceMost = 512

var (
	namespacePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)
	groupPattern     = regexp.MustCompile(`^[a-zA-Z0-9_:.-]{1,128}$`)
	clusterPattern   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
)

// CheckService refuses a name that the servers refuse, or that the SDK would take apart at the wrong place.
func CheckService(name string) error {
	switch {
	case name == "":
		return errors.New("empty")
	case len(name) > serviceMost:
		return fmt.Errorf("%d bytes, at most %d are allowed", len(name), serviceMost)
	case strings.HasPrefix(name, "@") || strings.Contains(name, "@@"):
		return fmt.Errorf("%q begins with @ or has @@ in it, which separates group and service", name)
	case !utf8.ValidString(name):
		return fmt.Errorf("%q is not UTF-8", name)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Han, r) }):
		return fmt.Errorf("%q has white space or Chinese characters, which the registry refuses", name)
	}
	return nil
}

// CheckNamespace accepts the empty string, which means public.
func CheckNamespace(id string) error {
	if !namespacePattern.MatchString(id) {
		return fmt.Errorf("%q is not an id of at most 64 letters, digits, _ and -", id)
	}
	return nil
}

// CheckGroup does not accept the empty string.
func CheckGroup(name string) error {
	if !groupPattern.MatchString(name) {
		return fmt.Errorf("%q is not 1 to 128 letters, digits and '-', '_', ':', '.'", name)
	}
	return nil
}

// CheckCluster does not accept the empty string.
func CheckCluster(name string) error {
	if !clusterPattern.MatchString(name) {
		return fmt.Errorf("%q is not 1 to 64 letters, digits, - and _", name)
	}
	return nil
}
