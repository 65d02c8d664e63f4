// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"maps"
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestOfficialServers: CI has a job for every server of compose.yaml, and asks it at its own port.
func TestOfficialServers(t *testing.T) {
	var compose struct {
		Services map[string]struct{ Ports []string }
	}
	readYAML(t, "../compose.yaml", &compose)
	servers := map[string]string{}
	for name, service := range compose.Services {
		for _, ports := range service.Ports {
			if host, ok := strings.CutSuffix(ports, ":8848"); ok {
				servers[name] = host
			}
		}
	}
	var workflow struct {
		Jobs struct {
			Nacos struct {
				Strategy struct {
					Matrix struct {
						Include []struct{ Service, Port string }
					}
				}
			}
		}
	}
	readYAML(t, "../.github/workflows/ci.yml", &workflow)
	jobs := map[string]string{}
	for _, job := range workflow.Jobs.Nacos.Strategy.Matrix.Include {
		jobs[job.Service] = job.Port
	}
	if len(servers) == 0 || !maps.Equal(servers, jobs) {
		t.Errorf("compose.yaml has the servers %v, the job nacos of CI asks %v", servers, jobs)
	}
}
