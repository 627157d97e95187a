// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"

	apiv3 "github.com/projectcalico/api/pkg/apis/projectcalico/v3"
	"github.com/projectcalico/calico/felix/calc"
	"github.com/projectcalico/calico/felix/config"
	"github.com/projectcalico/calico/felix/ipsets"
	"github.com/projectcalico/calico/felix/iptables"
	"github.com/projectcalico/calico/felix/proto"
	"github.com/projectcalico/calico/felix/rules"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/api"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/k8s/conversion"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/model"
	processors "github.com/projectcalico/calico/libcalico-go/lib/backend/syncersv1/updateprocessors"
	"github.com/projectcalico/calico/libcalico-go/lib/backend/watchersyncer"
	validator "github.com/projectcalico/calico/libcalico-go/lib/validator/v3"
	corev1 "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	networking "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	node = "node"
	uid  = "00000000-0000-0000-0000-000000000001" // Calico reads that of every object
)

// cluster feeds objects to Felix's calculation graph and keeps what comes out of it.
type cluster struct {
	refused   []string
	convert   conversion.Converter
	graph     *calc.CalcGraph
	filter    *calc.ValidationFilter
	events    *calc.EventSequencer
	policies  map[string]*proto.Policy
	profiles  map[string]*proto.Profile
	endpoints map[string]*proto.WorkloadEndpoint // by address
	sets      map[string][]string                // by the name that rules use
	renderer  rules.RuleRenderer
	chains    map[string]*iptables.Chain
}

func newCluster() *cluster {
	settings := config.New()
	settings.FelixHostname = node
	found := &cluster{
		refused:   []string{},
		convert:   conversion.NewConverter(),
		events:    calc.NewEventSequencer(settings),
		policies:  map[string]*proto.Policy{},
		profiles:  map[string]*proto.Profile{},
		endpoints: map[string]*proto.WorkloadEndpoint{},
		sets:      map[string][]string{},
		renderer:  rules.NewRenderer(renderSettings()),
		chains:    map[string]*iptables.Chain{},
	}
	found.events.Callback = found.keep
	found.graph = calc.NewCalculationGraph(found.events, settings, func() {})
	found.filter = calc.NewValidationFilter(found.graph, settings)
	return found
}

var setNames = ipsets.NewIPVersionConfig(ipsets.IPFamilyV4, "cali", nil, nil)

func renderSettings() rules.Config {
	return rules.Config{
		IPSetConfigV4:                  setNames,
		IPSetConfigV6:                  ipsets.NewIPVersionConfig(ipsets.IPFamilyV6, "cali", nil, nil),
		IptablesMarkAccept:             acceptMark,
		IptablesMarkPass:               passMark,
		IptablesMarkScratch0:           0x4,
		IptablesMarkScratch1:           0x8,
		IptablesMarkEndpoint:           0xff0,
		IptablesMarkNonCaliEndpoint:    0x10,
		AllowVXLANPacketsFromWorkloads: true,
		AllowIPIPPacketsFromWorkloads:  true,
	}
}

// keep takes one message that Felix would send to its dataplane.
func (c *cluster) keep(message any) {
	switch found := message.(type) {
	case *proto.ActivePolicyUpdate:
		c.policies[found.Id.Name] = found.Policy
	case *proto.ActiveProfileUpdate:
		c.profiles[found.Id.Name] = found.Profile
	case *proto.WorkloadEndpointUpdate:
		for _, network := range append(found.Endpoint.Ipv4Nets, found.Endpoint.Ipv6Nets...) {
			c.endpoints[strings.Split(network, "/")[0]] = found.Endpoint
		}
	case *proto.IPSetUpdate:
		c.sets[setNames.NameForMainIPSet(found.Id)] = found.Members
	}
}

// render writes the chains of all policies and profiles that are in use.
func (c *cluster) render() {
	c.filter.OnStatusUpdated(api.InSync)
	c.graph.Flush()
	c.events.Flush()
	for name, policy := range c.policies {
		id := &proto.PolicyID{Name: name}
		for _, chain := range c.renderer.PolicyToIptablesChains(id, policy, 4) {
			c.chains[chain.Name] = chain
		}
	}
	for name, profile := range c.profiles {
		in, out := c.renderer.ProfileToIptablesChains(&proto.ProfileID{Name: name}, profile, 4)
		c.chains[in.Name], c.chains[out.Name] = in, out
	}
}

// add takes one object as the API server stores it.
func (c *cluster) add(raw json.RawMessage) {
	var kind metav1.TypeMeta
	read(raw, &kind)
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		object := &corev1.Namespace{}
		read(raw, object)
		object.UID = uid
		c.put(processors.NewProfileUpdateProcessor(), must(c.convert.NamespaceToProfile(object)))
	case "v1 ServiceAccount":
		object := &corev1.ServiceAccount{}
		read(raw, object)
		object.UID = uid
		c.put(processors.NewProfileUpdateProcessor(), must(c.convert.ServiceAccountToProfile(object)))
	case "v1 Pod":
		c.addPod(raw)
	case "discovery.k8s.io/v1 EndpointSlice":
		object := &discovery.EndpointSlice{}
		read(raw, object)
		object.UID = uid
		c.send(must(c.convert.EndpointSliceToKVP(object)))
	case "networking.k8s.io/v1 NetworkPolicy":
		object := &networking.NetworkPolicy{}
		read(raw, object)
		object.UID = uid
		found := must(c.convert.K8sNetworkPolicyToCalico(object))
		c.put(processors.NewNetworkPolicyUpdateProcessor(), found)
	default:
		c.addOwn(kind.Kind, raw)
	}
}

func (c *cluster) addPod(raw json.RawMessage) {
	object := &corev1.Pod{}
	read(raw, object)
	object.UID = uid
	object.Spec.NodeName = node
	if !c.convert.IsReadyCalicoPod(object) {
		return
	}
	for _, found := range must(c.convert.PodToWorkloadEndpoints(object)) {
		c.put(processors.NewWorkloadEndpointUpdateProcessor(), found)
	}
}

// addOwn takes an object of Calico, if Calico's client would store it.
func (c *cluster) addOwn(kind string, raw json.RawMessage) {
	switch kind {
	case apiv3.KindNetworkPolicy:
		object := apiv3.NewNetworkPolicy()
		err := json.Unmarshal(raw, object)
		object.Spec.Types = types(object.Spec.Types, object.Spec.Ingress, object.Spec.Egress)
		c.store(object, err, kind, processors.NewNetworkPolicyUpdateProcessor())
	case apiv3.KindGlobalNetworkPolicy:
		object := apiv3.NewGlobalNetworkPolicy()
		err := json.Unmarshal(raw, object)
		object.Spec.Types = types(object.Spec.Types, object.Spec.Ingress, object.Spec.Egress)
		c.store(object, err, kind, processors.NewGlobalNetworkPolicyUpdateProcessor())
	case apiv3.KindNetworkSet:
		object := apiv3.NewNetworkSet()
		err := json.Unmarshal(raw, object)
		c.store(object, err, kind, processors.NewNetworkSetUpdateProcessor())
	case apiv3.KindGlobalNetworkSet:
		object := apiv3.NewGlobalNetworkSet()
		err := json.Unmarshal(raw, object)
		c.store(object, err, kind, processors.NewGlobalNetworkSetUpdateProcessor())
	default:
		panic("no kind that is asked about: " + kind)
	}
}

// types fills in the types of a policy as libcalico-go/lib/clientv3 does on every write.
func types(written []apiv3.PolicyType, in, out []apiv3.Rule) []apiv3.PolicyType {
	if len(written) > 0 {
		return written
	}
	if len(out) == 0 || len(in) > 0 {
		written = append(written, apiv3.PolicyTypeIngress)
	}
	if len(out) > 0 {
		written = append(written, apiv3.PolicyTypeEgress)
	}
	return written
}

// store validates an object under its name without the tier, as Calico's client does, and keeps it
// under the whole name. What could not be read or is not valid is refused.
func (c *cluster) store(
	object metav1.Object, err error, kind string, processor watchersyncer.SyncerUpdateProcessor,
) {
	whole := object.GetName()
	object.SetName(whole[strings.Index(whole, ".")+1:])
	if err != nil || validator.Validate(object) != nil {
		c.refused = append(c.refused, whole)
		return
	}
	object.SetName(whole)
	key := model.ResourceKey{Name: whole, Namespace: object.GetNamespace(), Kind: kind}
	c.put(processor, &model.KVPair{Key: key, Value: object})
}

func (c *cluster) put(processor watchersyncer.SyncerUpdateProcessor, pair *model.KVPair) {
	for _, found := range must(processor.Process(pair)) {
		if found.Value != nil {
			c.send(found)
		}
	}
}

func (c *cluster) send(pair *model.KVPair) {
	c.filter.OnUpdates([]api.Update{{KVPair: *pair, UpdateType: api.UpdateTypeKVNew}})
}

// passes asks tier after tier whether an endpoint lets a packet through; what is no endpoint of
// Calico lets everything through.
func (c *cluster) passes(direction, address string, packet packet, tiers []tier) bool {
	endpoint := c.endpoints[address]
	if endpoint == nil {
		return true
	}
	for _, found := range tiers {
		chosen := policiesOf(endpoint, direction, found.Name)
		if len(chosen) == 0 {
			continue
		}
		switch outcome := c.walk(direction, chosen, nil, packet); {
		case outcome == accepted:
			return true
		case outcome == denied, outcome == unmatched && found.DefaultAction != "Pass":
			return false
		}
	}
	return c.walk(direction, nil, endpoint.ProfileIds, packet) == accepted
}

// policiesOf are the policies of a tier that apply to an endpoint, in Felix's order.
func policiesOf(endpoint *proto.WorkloadEndpoint, direction, tier string) []string {
	found := []string{}
	for _, info := range endpoint.Tiers {
		names := info.IngressPolicies
		if direction == "egress" {
			names = info.EgressPolicies
		}
		for _, name := range names {
			if tierOf(name) == tier {
				found = append(found, name)
			}
		}
	}
	return found
}

// tierOf reads the tier from a name: [namespace/]tier.name, or [namespace/]knp.default.name.
func tierOf(name string) string {
	name = name[strings.Index(name, "/")+1:]
	name = strings.TrimPrefix(name, "knp.")
	return name[:strings.Index(name, ".")]
}

func read(raw json.RawMessage, into any) {
	if err := json.Unmarshal(raw, into); err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
