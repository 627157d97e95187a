// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authn"
	"istio.io/istio/pilot/pkg/simulation"
	"istio.io/istio/pilot/pkg/xds/endpoints"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/host"
)

func modes(q question, push *model.PushContext) map[string]map[uint32]string {
	found := map[string]map[uint32]string{}
	for name, asked := range q.Ask.Modes {
		policy := authn.NewMtlsPolicy(push, push.AuthnPolicies, asked.Namespace, asked.Labels, false)
		found[name] = map[uint32]string{}
		for _, port := range asked.Ports {
			found[name][port] = policy.GetMutualTLSModeForPort(port).String()
		}
	}
	return found
}

type cluster struct {
	Service   string            `json:"service"`
	Port      int               `json:"port"`
	Subset    string            `json:"subset"`
	Type      string            `json:"type,omitempty"`
	Socket    string            `json:"socket"`
	Endpoints map[string]string `json:"endpoints"`
	Rules     []string          `json:"destinationRules,omitempty"`
}

func clients(q question, server *xds.FakeDiscoveryServer, known *objects) []map[string]cluster {
	all := []map[string]cluster{}
	for _, asked := range q.Ask.Clients {
		proxy := sidecar(server, asked.Namespace, "client", "10.255.0.1", asked.Labels)
		found := map[string]cluster{}
		for _, sent := range server.Clusters(proxy) {
			if strings.HasPrefix(sent.Name, "outbound|") {
				found[sent.Name] = describe(sent, server, proxy, known)
			}
		}
		all = append(all, found)
	}
	return all
}

func describe(sent *clusterv3.Cluster, server *xds.FakeDiscoveryServer, proxy *model.Proxy, known *objects) cluster {
	_, subset, hostname, port := model.ParseSubsetKey(sent.Name)
	found := cluster{
		Service: string(hostname), Port: port, Subset: subset,
		Socket: socket(sent), Endpoints: map[string]string{}, Rules: rules(proxy, hostname),
	}
	assignment := sent.GetLoadAssignment()
	if sent.GetType() == clusterv3.Cluster_EDS {
		builder := endpoints.NewEndpointBuilder(sent.Name, proxy, server.PushContext())
		assignment = builder.BuildClusterLoadAssignment(server.Discovery.Env.EndpointIndex)
	} else {
		found.Type = sent.GetType().String()
	}
	for _, locality := range assignment.GetEndpoints() {
		for _, endpoint := range locality.GetLbEndpoints() {
			found.Endpoints[address(endpoint, known)] = sentTo(found.Socket, endpoint)
		}
	}
	return found
}

func rules(proxy *model.Proxy, hostname host.Name) []string {
	rule := proxy.SidecarScope.DestinationRule(model.TrafficDirectionOutbound, proxy, hostname)
	if rule == nil {
		return nil
	}
	names := []string{}
	for _, from := range rule.GetFrom() {
		names = append(names, from.Namespace+"/"+from.Name)
	}
	sort.Strings(names)
	return names
}

// socket names what a cluster sends; AUTO where each endpoint chooses.
func socket(sent *clusterv3.Cluster) string {
	if len(sent.TransportSocketMatches) > 0 {
		return "AUTO"
	}
	return mode(sent.TransportSocket)
}

func mode(socket *core.TransportSocket) string {
	if socket == nil || socket.GetTypedConfig() == nil {
		return "PLAINTEXT"
	}
	context := &tls.UpstreamTlsContext{}
	if err := socket.GetTypedConfig().UnmarshalTo(context); err != nil {
		return "PLAINTEXT"
	}
	certificates := context.GetCommonTlsContext().GetTlsCertificateSdsSecretConfigs()
	switch {
	case len(certificates) == 0:
		return "SIMPLE"
	case certificates[0].Name == "default":
		return "ISTIO_MUTUAL"
	default:
		return "MUTUAL"
	}
}

func sentTo(socket string, endpoint *endpointv3.LbEndpoint) string {
	if socket != "AUTO" {
		return socket
	}
	match := endpoint.GetMetadata().GetFilterMetadata()["envoy.transport_socket_match"]
	if match.GetFields()["tlsMode"].GetStringValue() == "istio" {
		return "ISTIO_MUTUAL"
	}
	return "PLAINTEXT"
}

func address(endpoint *endpointv3.LbEndpoint, known *objects) string {
	at := endpoint.GetEndpoint().GetAddress().GetSocketAddress()
	name, pod := known.addresses[at.GetAddress()]
	if !pod {
		name = at.GetAddress()
	}
	return fmt.Sprintf("%s:%d", name, at.GetPortValue())
}

type acceptedPort struct {
	Plaintext     bool   `json:"plaintext"`
	MTLS          bool   `json:"mtls"`
	PlaintextHTTP string `json:"plaintextHTTP"`
	PlaintextTCP  string `json:"plaintextTCP"`
	MTLSHTTP      string `json:"mtlsHTTP"`
	MTLSTCP       string `json:"mtlsTCP"`
	TLSHTTP       string `json:"tlsHTTP"`
	TLSTCP        string `json:"tlsTCP"`
}

func accepts(q question, server *xds.FakeDiscoveryServer, known *objects) map[string]map[int]acceptedPort {
	found := map[string]map[int]acceptedPort{}
	for name, ports := range q.Ask.Accepts {
		pod := known.pods[name]
		proxy := sidecar(server, pod.Namespace, pod.Name, pod.Status.PodIP, pod.Labels)
		listener := simulation.NewSimulation(&testing.T{}, server, proxy)
		found[name] = map[int]acceptedPort{}
		for _, port := range ports {
			found[name][port] = called(listener, port)
		}
	}
	return found
}

func called(listener *simulation.Simulation, port int) acceptedPort {
	found := acceptedPort{
		PlaintextHTTP: call(listener, port, simulation.HTTP, simulation.Plaintext),
		PlaintextTCP:  call(listener, port, simulation.TCP, simulation.Plaintext),
		MTLSHTTP:      call(listener, port, simulation.HTTP, simulation.MTLS),
		MTLSTCP:       call(listener, port, simulation.TCP, simulation.MTLS),
		TLSHTTP:       call(listener, port, simulation.HTTP, simulation.TLS),
		TLSTCP:        call(listener, port, simulation.TCP, simulation.TLS),
	}
	found.Plaintext = passes(found.PlaintextHTTP) || passes(found.PlaintextTCP)
	found.MTLS = passes(found.MTLSHTTP) || passes(found.MTLSTCP)
	return found
}

func passes(outcome string) bool { return !strings.HasPrefix(outcome, "error") }

func call(listener *simulation.Simulation, port int, protocol simulation.Protocol, kind simulation.TLSMode) string {
	result := listener.Run(simulation.Call{
		Port: port, Protocol: protocol, TLS: kind, CallMode: simulation.CallModeInbound,
	})
	switch {
	case result.Error != nil:
		return "error: " + result.Error.Error()
	case result.ClusterMatched == "InboundPassthroughCluster":
		return "passthrough"
	default:
		return result.ClusterMatched
	}
}
