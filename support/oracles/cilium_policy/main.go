// SPDX-License-Identifier: Apache-2.0

// Which connections do policies allow, as Cilium's own policy engine decides?
//
// Reads one question a line: policies (CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy,
// NetworkPolicy as the API server stores it), pods with the labels of their identities, addresses,
// and asked connections {from, to, protocol, port}; an end is the index of a pod, an address, or
// "remote-node". Answers {"refused": [...], "verdicts": [[egress, ingress], ...]}; an end that is
// no pod restricts nothing.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"strconv"
	"sync"

	"github.com/cilium/cilium/pkg/crypto/certificatemanager"
	"github.com/cilium/cilium/pkg/endpoint/regeneration"
	envoypolicy "github.com/cilium/cilium/pkg/envoy/policy"
	"github.com/cilium/cilium/pkg/identity"
	"github.com/cilium/cilium/pkg/identity/identitymanager"
	"github.com/cilium/cilium/pkg/k8s"
	v2 "github.com/cilium/cilium/pkg/k8s/apis/cilium.io/v2"
	slim "github.com/cilium/cilium/pkg/k8s/slim/k8s/api/networking/v1"
	"github.com/cilium/cilium/pkg/labels"
	"github.com/cilium/cilium/pkg/option"
	"github.com/cilium/cilium/pkg/policy"
	"github.com/cilium/cilium/pkg/policy/api"
	"github.com/cilium/cilium/pkg/policy/types"
	"github.com/cilium/cilium/pkg/policy/utils"
	testpolicy "github.com/cilium/cilium/pkg/testutils/policy"
	"github.com/cilium/cilium/pkg/u8proto"
)

const cluster = "default"

type pod struct {
	Labels []string          `json:"labels"`
	TCP    map[string]uint16 `json:"tcp"`
	UDP    map[string]uint16 `json:"udp"`
}

type question struct {
	Policies  []json.RawMessage `json:"policies"`
	Pods      []pod             `json:"pods"`
	Addresses []string          `json:"addresses"`
	Asked     [][4]string       `json:"asked"`
}

type answer struct {
	Refused  []bool    `json:"refused"`
	Verdicts [][2]bool `json:"verdicts"`
}

type world struct {
	logger     *slog.Logger
	repo       *policy.Repository
	pods       []pod
	identities map[string]*identity.Identity
	resolved   map[string]policy.SelectorPolicy
}

func main() {
	option.Config.EnableNonDefaultDenyPolicies = true
	option.Config.EnableL7Proxy = true
	option.Config.EnableICMPRules = true
	option.Config.EnableIPv4, option.Config.EnableIPv6 = true, true
	policy.SetPolicyEnabled(option.DefaultEnforcement)
	api.InitEntities(cluster)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		must(json.Unmarshal(lines.Bytes(), &asked))
		must(out.Encode(decide(asked)))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func decide(asked question) answer {
	w := build(asked)
	found := answer{Refused: []bool{}, Verdicts: [][2]bool{}}
	for _, raw := range asked.Policies {
		entries, err := w.parse(raw)
		found.Refused = append(found.Refused, err != nil)
		if err == nil {
			w.repo.MustAddPolicyEntries(entries)
		}
	}
	for _, a := range asked.Asked {
		found.Verdicts = append(found.Verdicts, w.verdict(a))
	}
	return found
}

func build(asked question) *world {
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	manager := identitymanager.NewIDManager(logger)
	secrets := certificatemanager.NewMockSecretManagerInline()
	w := &world{
		logger: logger,
		repo: policy.NewPolicyRepository(logger, nil, nil,
			envoypolicy.NewEnvoyL7RulesTranslator(logger, secrets), manager,
			testpolicy.NewPolicyMetricsNoop()),
		pods:       asked.Pods,
		identities: map[string]*identity.Identity{},
		resolved:   map[string]policy.SelectorPolicy{},
	}
	for n, p := range asked.Pods {
		w.add(strconv.Itoa(n), identity.NumericIdentity(1000+n), labels.NewLabelsFromModel(p.Labels))
	}
	for n, text := range asked.Addresses {
		address := netip.MustParseAddr(text)
		prefix := netip.PrefixFrom(address, address.BitLen())
		w.add(text, identity.IdentityScopeLocal+identity.NumericIdentity(n+1), labels.GetCIDRLabels(prefix))
	}
	w.identities["remote-node"] = identity.LookupReservedIdentity(identity.ReservedIdentityRemoteNode)
	known := identity.IdentityMap{}
	for _, id := range w.identities {
		known[id.ID] = id.LabelArray
	}
	w.repo.GetSelectorCache().UpdateIdentities(known, nil, &sync.WaitGroup{})
	w.repo.UpdateIdentities(known, nil)
	return w
}

func (w *world) add(name string, number identity.NumericIdentity, found labels.Labels) {
	w.identities[name] = identity.NewIdentity(number, found)
}

func (w *world) parse(raw json.RawMessage) (types.PolicyEntries, error) {
	var kind struct {
		Kind string `json:"kind"`
	}
	must(json.Unmarshal(raw, &kind))
	switch kind.Kind {
	case "NetworkPolicy":
		var found slim.NetworkPolicy
		must(json.Unmarshal(raw, &found))
		return k8s.ParseNetworkPolicy(w.logger, cluster, &found)
	case "CiliumNetworkPolicy":
		var found v2.CiliumNetworkPolicy
		if err := json.Unmarshal(raw, &found); err != nil {
			return nil, err
		}
		rules, err := found.Parse(w.logger, cluster)
		return converted(rules, err)
	}
	var found v2.CiliumClusterwideNetworkPolicy
	if err := json.Unmarshal(raw, &found); err != nil {
		return nil, err
	}
	rules, err := found.Parse(w.logger, cluster)
	return converted(rules, err)
}

func converted(rules api.Rules, err error) (types.PolicyEntries, error) {
	if err != nil {
		return nil, err
	}
	for _, rule := range rules {
		if err := rule.Sanitize(); err != nil {
			return nil, err
		}
	}
	return utils.RulesToPolicyEntries(rules), nil
}

func (w *world) verdict(asked [4]string) [2]bool {
	from, to := w.identities[asked[0]], w.identities[asked[1]]
	protocol, err := u8proto.ParseProtocol(asked[2])
	must(err)
	port, err := strconv.ParseUint(asked[3], 10, 16)
	must(err)
	egress := policy.EgressKey().WithIdentity(to.ID).WithPortProto(protocol, uint16(port))
	ingress := policy.IngressKey().WithIdentity(from.ID).WithPortProto(protocol, uint16(port))
	return [2]bool{w.side(asked[0], egress), w.side(asked[1], ingress)}
}

func (w *world) side(name string, key policy.Key) bool {
	number, err := strconv.Atoi(name)
	if err != nil {
		return true
	}
	resolved, known := w.resolved[name]
	if !known {
		resolved, _, err = w.repo.ComputeSelectorPolicy(w.identities[name])
		must(err)
		w.resolved[name] = resolved
	}
	redirects := map[string]uint16{policy.FallbackRedirectID: math.MaxUint16}
	distilled := resolved.DistillPolicy(w.logger, &owner{uint64(number), w.pods[number]}, redirects)
	distilled.Ready()
	entry, _, _ := distilled.Lookup(key)
	distilled.Detach(w.logger)
	return !entry.IsDeny()
}

type owner struct {
	number uint64
	pod    pod
}

func (o *owner) GetID() uint64 { return o.number }

func (o *owner) GetIngressNamedPort(name string, proto u8proto.U8proto) uint16 {
	switch proto {
	case u8proto.TCP:
		return o.pod.TCP[name]
	case u8proto.UDP:
		return o.pod.UDP[name]
	}
	return 0
}

func (o *owner) PolicyDebug(string, ...any) {}

func (o *owner) IsHost() bool { return false }

func (o *owner) PreviousMapStateSizes() policy.MapStateSizes { return policy.MapStateSizes{} }

func (o *owner) RegenerateIfAlive(*regeneration.ExternalRegenerationMetadata) <-chan bool {
	done := make(chan bool)
	close(done)
	return done
}

