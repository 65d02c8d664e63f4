// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/lameduck-go/lameduck/health"
	"github.com/lameduck-go/lameduck/lifecycle"
)

// deployments are the two ways to be probed.
var deployments = []string{"deployment.yaml", "deployment-grpc-probes.yaml"}

// readManifest decodes a file of example/kubernetes. A field that Kubernetes does not know is an error, and so is one
// that is there twice.
func readManifest[T any](t *testing.T, file string) *T {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "example", "kubernetes", file))
	if err != nil {
		t.Fatal(err)
	}
	manifest := new(T)
	if err := yaml.UnmarshalStrict(text, manifest); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return manifest
}

func readDeployment(t *testing.T, file string) (*appsv1.Deployment, *corev1.Container) {
	t.Helper()
	d := readManifest[appsv1.Deployment](t, file)
	containers := d.Spec.Template.Spec.Containers
	if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || len(containers) != 1 {
		t.Fatalf("%s is %s %s with %d containers, want apps/v1 Deployment with one", file, d.APIVersion, d.Kind, len(containers))
	}
	return d, &containers[0]
}

func variable(t *testing.T, c *corev1.Container, name string) time.Duration {
	t.Helper()
	for _, v := range c.Env {
		if v.Name == name {
			d, err := time.ParseDuration(v.Value)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return d
		}
	}
	t.Fatalf("the container has no variable %s", name)
	return 0
}

// TestDeployments: the times of a manifest fit each other, and nothing spends the grace period before SIGTERM.
func TestDeployments(t *testing.T) {
	for _, file := range deployments {
		t.Run(file, func(t *testing.T) {
			d, c := readDeployment(t, file)
			budget, settle := variable(t, c, "LAMEDUCK_BUDGET"), variable(t, c, "LAMEDUCK_SETTLE")
			if got := time.Duration(d.Spec.MinReadySeconds) * time.Second; got < settle {
				t.Errorf("minReadySeconds is %v, want settle, %v, at least", got, settle)
			}
			pod := d.Spec.Template.Spec
			grace := pod.TerminationGracePeriodSeconds
			if want := budget + 2*time.Second; grace == nil || time.Duration(*grace)*time.Second < want {
				t.Errorf("terminationGracePeriodSeconds is %v, want %v at least", given(grace), want)
			}
			if c.Lifecycle != nil {
				t.Errorf("the container has hooks: %+v, want none", c.Lifecycle)
			}
			rolling := d.Spec.Strategy.RollingUpdate
			if d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || rolling == nil {
				t.Fatalf("strategy is %+v, want RollingUpdate", d.Spec.Strategy)
			}
			if rolling.MaxUnavailable == nil || *rolling.MaxUnavailable != intstr.FromInt32(0) {
				t.Errorf("maxUnavailable is %v, want 0", given(rolling.MaxUnavailable))
			}
			if rolling.MaxSurge == nil || rolling.MaxSurge.IntValue() < 1 {
				t.Errorf("maxSurge is %v, want 1 at least", given(rolling.MaxSurge))
			}
			if !selects(d.Spec.Selector.MatchLabels, d) {
				t.Errorf("the selector %v does not select the pods", d.Spec.Selector.MatchLabels)
			}
		})
	}
}

// TestEnvironmentOfDeployments: the program accepts the variables as they are.
func TestEnvironmentOfDeployments(t *testing.T) {
	for _, file := range deployments {
		t.Run(file, func(t *testing.T) {
			_, c := readDeployment(t, file)
			for _, v := range c.Env {
				t.Setenv(v.Name, v.Value)
			}
			m := lifecycle.New(grpc.NewServer(), lifecycle.WithLogger(slog.New(slog.DiscardHandler)), lifecycle.FromEnv())
			if err := m.Start(t.Context(), &net.TCPAddr{}); err != nil {
				t.Errorf("Start() in the environment of %s = %v, want nil", file, err)
			}
			m.Force()
			_ = m.Shutdown(t.Context()) // forced, and says so
		})
	}
}

func TestProbesOverHTTP(t *testing.T) {
	_, c := readDeployment(t, "deployment.yaml")
	for path, probe := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/livez": c.LivenessProbe} {
		if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Path != path {
			t.Errorf("probe is %+v, want GET %s", probe, path)
			continue
		}
		if port := probe.HTTPGet.Port; !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal }) {
			t.Errorf("probe %s asks port %v, which the container has not", path, port)
		}
	}
}

func TestProbesByGRPC(t *testing.T) {
	_, c := readDeployment(t, "deployment-grpc-probes.yaml")
	for service, probe := range map[string]*corev1.Probe{health.Readiness: c.ReadinessProbe, health.Liveness: c.LivenessProbe} {
		if probe == nil || probe.GRPC == nil || probe.GRPC.Service == nil || *probe.GRPC.Service != service {
			t.Errorf("probe is %+v, want a Check of %s", probe, service)
			continue
		}
		if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == "grpc" && p.ContainerPort == probe.GRPC.Port }) {
			t.Errorf("probe %s asks port %d, want the one named grpc", service, probe.GRPC.Port)
		}
	}
}

// TestDeploymentsDifferInProbesOnly: who changes one changes both.
func TestDeploymentsDifferInProbesOnly(t *testing.T) {
	http, c := readDeployment(t, deployments[0])
	byGRPC, g := readDeployment(t, deployments[1])
	for _, pair := range [][2]**corev1.Probe{{&c.ReadinessProbe, &g.ReadinessProbe}, {&c.LivenessProbe, &g.LivenessProbe}} {
		(*pair[0]).ProbeHandler, (*pair[1]).ProbeHandler = corev1.ProbeHandler{}, corev1.ProbeHandler{}
	}
	if !reflect.DeepEqual(http, byGRPC) {
		t.Errorf("%v differ in more than the probes' handlers", deployments)
	}
}

func TestPodDisruptionBudget(t *testing.T) {
	b := readManifest[policyv1.PodDisruptionBudget](t, "poddisruptionbudget.yaml")
	d, _ := readDeployment(t, deployments[0])
	if b.APIVersion != "policy/v1" || b.Kind != "PodDisruptionBudget" || b.Spec.Selector == nil || !selects(b.Spec.Selector.MatchLabels, d) {
		t.Errorf("%s %s selects %v, want policy/v1 PodDisruptionBudget of the pods", b.APIVersion, b.Kind, b.Spec.Selector)
	}
	if p := b.Spec.UnhealthyPodEvictionPolicy; p == nil || *p != policyv1.AlwaysAllow {
		t.Errorf("unhealthyPodEvictionPolicy is %v, want AlwaysAllow: a parked pod is not ready", given(p))
	}
	if b.Spec.MaxUnavailable == nil || b.Spec.MaxUnavailable.IntValue() < 1 {
		t.Errorf("maxUnavailable is %v, want 1 at least, or nobody can be evicted", given(b.Spec.MaxUnavailable))
	}
}

func TestService(t *testing.T) {
	s := readManifest[corev1.Service](t, "service.yaml")
	d, c := readDeployment(t, deployments[0])
	if s.APIVersion != "v1" || s.Kind != "Service" || !selects(s.Spec.Selector, d) {
		t.Errorf("%s %s selects %v, want v1 Service of the pods", s.APIVersion, s.Kind, s.Spec.Selector)
	}
	if s.Spec.PublishNotReadyAddresses {
		t.Error("publishNotReadyAddresses is set: a pod that goes would stay in the endpoints")
	}
	for _, port := range s.Spec.Ports {
		if !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.TargetPort.StrVal }) {
			t.Errorf("port %s leads to %v, which the container has not", port.Name, port.TargetPort)
		}
	}
}

// podMonitor has what the example uses of the Prometheus Operator's type.
type podMonitor struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   map[string]any `json:"metadata"`
	Spec       podMonitorSpec `json:"spec"`
}

type podMonitorSpec struct {
	Selector  struct{ MatchLabels map[string]string } `json:"selector"`
	Endpoints []struct{ Port, Path, Interval string } `json:"podMetricsEndpoints"`
}

func TestPodMonitor(t *testing.T) {
	m := readManifest[podMonitor](t, "podmonitor.yaml")
	d, c := readDeployment(t, deployments[0])
	if m.Kind != "PodMonitor" || !selects(m.Spec.Selector.MatchLabels, d) || len(m.Spec.Endpoints) != 1 {
		t.Fatalf("%s selects %v at %v, want a PodMonitor of the pods with one endpoint", m.Kind, m.Spec.Selector, m.Spec.Endpoints)
	}
	if port := m.Spec.Endpoints[0].Port; !slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port }) {
		t.Errorf("it reads port %s, which the container has not", port)
	}
}

// given is what a message shows of an optional field.
func given[T any](value *T) any {
	if value == nil {
		return "not set"
	}
	return *value
}

// selects tells whether labels select the pods of d, and anything at all.
func selects(labels map[string]string, d *appsv1.Deployment) bool {
	for name, value := range labels {
		if d.Spec.Template.Labels[name] != value {
			return false
		}
	}
	return len(labels) > 0
}
