// SPDX-License-Identifier: Apache-2.0

package nacos

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"unicode/utf8"

	"github.com/lameduck-go/lameduck/nacos/internal/sdk"
)

// Instance is what is registered.
type Instance struct {
	// Service is the service's name, Group its group; an empty Group means DEFAULT_GROUP.
	Service, Group string
	// Cluster is the instance's cluster inside the service; empty means DEFAULT.
	Cluster string
	// Addr is where clients reach the instance: "", "IP", ":PORT" or "IP:PORT", an IPv6 address with a port in
	// brackets. What is missing comes from the listener's address, and where that is unspecified (0.0.0.0, ::) from the
	// address that packets to the registry leave from.
	Addr string
	// Weight is the share of traffic, relative to other instances, for consumers that care; zero means 1.
	Weight float64
	// Metadata is published with the instance; 1024 bytes in all are allowed.
	Metadata map[string]string
}

// metadataMost is from the parameter check of the official servers since 2.3.0 (ParamCheckRule).
const metadataMost = 1024

// checked returns the instance with its defaults filled in, or an error that names the field.
func (i Instance) checked() (Instance, error) {
	if err := sdk.CheckService(i.Service); err != nil {
		return i, fmt.Errorf("nacos: Instance.Service: %w", err)
	}
	if i.Group == "" {
		i.Group = sdk.DefaultGroup
	}
	if err := sdk.CheckGroup(i.Group); err != nil {
		return i, fmt.Errorf("nacos: Instance.Group: %w", err)
	}
	if i.Cluster == "" {
		i.Cluster = sdk.DefaultCluster
	}
	if err := sdk.CheckCluster(i.Cluster); err != nil {
		return i, fmt.Errorf("nacos: Instance.Cluster: %w", err)
	}
	if i.Weight == 0 {
		i.Weight = 1
	}
	if err := checkWeight(i.Weight); err != nil {
		return i, fmt.Errorf("nacos: Instance.Weight: %w", err)
	}
	if err := checkMetadata(i.Metadata); err != nil {
		return i, fmt.Errorf("nacos: Instance.Metadata: %w", err)
	}
	i.Metadata = maps.Clone(i.Metadata)
	if _, err := parsePublished(i.Addr); err != nil {
		return i, fmt.Errorf("nacos: Instance.Addr: %w", err)
	}
	return i, nil
}

func checkWeight(w float64) error {
	if math.IsNaN(w) || math.IsInf(w, 0) || w <= 0 || w > 10000 {
		return fmt.Errorf("%v is not more than 0 and at most 10000", w)
	}
	return nil
}

func checkMetadata(m map[string]string) error {
	size := 0
	for k, v := range m {
		switch {
		case k == "":
			return errors.New("a key is empty")
		case !utf8.ValidString(k) || !utf8.ValidString(v):
			return fmt.Errorf("%q: %q is not UTF-8", k, v)
		}
		size += len(k) + len(v)
	}
	if size > metadataMost {
		return fmt.Errorf("%d bytes, at most %d are allowed", size, metadataMost)
	}
	return nil
}
