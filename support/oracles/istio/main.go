// SPDX-License-Identifier: Apache-2.0

// What do istiod's own functions answer for a snapshot of a mesh?
//
// Every line of the input is one snapshot in JSON: Kubernetes and Istio objects, MeshConfig, the
// revision of the control plane, and what is asked about it. Every line of the output is the
// answers, in the form of the recorded ones (see answers below). No rule of Istio is restated
// here: modes come from a real push context, clusters and endpoints from the generators of xDS,
// acceptance from Istio's simulation of Envoy's filter chain match.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	istiolog "istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
)

const maxLine = 64 << 20

// question is one line of the input.
type question struct {
	ID         string            `json:"id"`
	MeshConfig map[string]any    `json:"meshConfig"`
	Revision   string            `json:"revision"`
	Objects    []json.RawMessage `json:"objects"`
	Ask        struct {
		// Modes: by any name, pods for which the mode of ports is asked.
		Modes map[string]struct {
			Namespace string            `json:"namespace"`
			Labels    map[string]string `json:"labels"`
			Ports     []uint32          `json:"ports"`
		} `json:"modes"`
		// Clients: pods with a sidecar; what they send to every service is asked.
		Clients []struct {
			Namespace string            `json:"namespace"`
			Labels    map[string]string `json:"labels"`
		} `json:"clients"`
		// Accepts: by namespace/name of a pod in the objects, the ports that are called.
		Accepts map[string][]int `json:"accepts"`
	} `json:"ask"`
}

// answers is one line of the output; what was not asked is left out.
type answers struct {
	ID      string                          `json:"id"`
	Error   string                          `json:"error,omitempty"`
	Modes   map[string]map[uint32]string    `json:"modes,omitempty"`
	Clients []map[string]cluster            `json:"clients,omitempty"`
	Accepts map[string]map[int]acceptedPort `json:"accepts,omitempty"`
}

func meshOf(fields map[string]any) (*meshconfig.MeshConfig, error) {
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return mesh.ApplyMeshConfig(string(text), mesh.DefaultMeshConfig())
}

func answer(line []byte) (result answers) {
	var q question
	if err := json.Unmarshal(line, &q); err != nil {
		return answers{Error: err.Error()}
	}
	result.ID = q.ID
	objects, err := read(q)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	config, err := meshOf(q.MeshConfig)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	failure := test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			KubernetesObjects: objects.kubernetes,
			Configs:           objects.istio,
			MeshConfig:        config,
		})
		result.Modes = modes(q, server.PushContext())
		result.Clients = clients(q, server, objects)
		result.Accepts = accepts(q, server, objects)
	})
	if failure != nil {
		result.Error = failure.Error()
	}
	return result
}

func sidecar(server *xds.FakeDiscoveryServer, namespace, name, ip string, labels map[string]string) *model.Proxy {
	return server.SetupProxy(&model.Proxy{
		ID:              name + "." + namespace,
		ConfigNamespace: namespace,
		Labels:          labels,
		IPAddresses:     []string{ip},
		Metadata:        &model.NodeMetadata{Namespace: namespace, Labels: labels, IstioVersion: "1.31.0"},
	})
}

func silence() {
	options := istiolog.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	options.SetDefaultOutputLevel(istiolog.OverrideScopeName, istiolog.NoneLevel)
	if err := istiolog.Configure(options); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func main() {
	// Oldest first is the order of policies: what has no time is as old as everything else.
	time.Local = time.UTC
	silence()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	encoder := json.NewEncoder(out)
	for lines.Scan() {
		if err := encoder.Encode(answer(lines.Bytes())); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out.Flush()
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
