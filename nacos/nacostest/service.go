// SPDX-License-Identifier: Apache-2.0

package nacostest

import "strings"

const (
	defaultNamespace = "public"
	defaultGroup     = "DEFAULT_GROUP"
	defaultCluster   = "DEFAULT"

	separator = "@@"
)

// serviceKey identifies a service on the wire, where its three parts travel in
// fields of their own.
type serviceKey struct {
	namespace, group, name string
}

func newServiceKey(namespace, group, name string) serviceKey {
	if namespace == "" {
		namespace = defaultNamespace
	}
	if group == "" {
		group = defaultGroup
	}
	return serviceKey{namespace: namespace, group: group, name: name}
}

// parseService reads "name", "group@@name" or "namespace@@group@@name".
func parseService(service string) serviceKey {
	parts := strings.SplitN(service, separator, 3)
	switch len(parts) {
	case 1:
		return newServiceKey("", "", parts[0])
	case 2:
		return newServiceKey("", parts[0], parts[1])
	default:
		return newServiceKey(parts[0], parts[1], parts[2])
	}
}

// String is the shortest form that parseService reads as k.
func (k serviceKey) String() string {
	for _, short := range []string{k.name, k.grouped()} {
		if parseService(short) == k {
			return short
		}
	}
	return k.namespace + separator + k.grouped()
}

// grouped is the name as instances and HTTP answers carry it.
func (k serviceKey) grouped() string { return k.group + separator + k.name }
