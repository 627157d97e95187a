// SPDX-License-Identifier: Apache-2.0

// Which connections does each test case of cyclonus expect, as its own matcher computes them?
//
// Reads one line and prints one line for every step of every generated test case: the namespaces
// with labels, the pods with labels and address, the policies in force, and for each ordered pair of
// pods one digit for each of the ports (1: allowed), in the order of the pods and of "ports".
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/mattfenwick/cyclonus/pkg/generator"
	"github.com/mattfenwick/cyclonus/pkg/matcher"
	v1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

type pod struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	IP        string            `json:"ip"`
}

type port struct {
	Number   int         `json:"number"`
	Protocol v1.Protocol `json:"protocol"`
	Name     string      `json:"name"`
}

type snapshot struct {
	Case       string                       `json:"case"`
	Step       int                          `json:"step"`
	Tags       []string                     `json:"tags"`
	Namespaces map[string]map[string]string `json:"namespaces"`
	Pods       []pod                        `json:"pods"`
	Policies   []policy                     `json:"policies"`
	Ports      []port                       `json:"ports"`
	Allowed    []string                     `json:"allowed"`
}

type policy struct {
	Name      string                         `json:"name"`
	Namespace string                         `json:"namespace"`
	Spec      networkingv1.NetworkPolicySpec `json:"spec"`
}

type world struct {
	namespaces map[string]map[string]string
	pods       []pod
	policies   map[string]*networkingv1.NetworkPolicy
}

var ports = allPorts()

func allPorts() []port {
	var found []port
	for _, number := range []int{80, 81} {
		for _, protocol := range []v1.Protocol{v1.ProtocolTCP, v1.ProtocolUDP, v1.ProtocolSCTP} {
			name := fmt.Sprintf("serve-%d-%s", number, strings.ToLower(string(protocol)))
			found = append(found, port{number, protocol, name})
		}
	}
	return found
}

func main() {
	names := []string{"x", "y", "z"}
	cases := generator.NewTestCaseGenerator(true, "10.1.0.9", names, nil, nil).GenerateAllTestCases()
	out := json.NewEncoder(os.Stdout)
	for number, found := range cases {
		w := fresh(names)
		for step, todo := range found.Steps {
			for _, action := range todo.Actions {
				w.apply(action)
			}
			tags := found.Tags.Keys()
			sort.Strings(tags)
			name := fmt.Sprintf("%03d %s", number+1, found.Description)
			if err := out.Encode(w.snapshot(name, step, tags)); err != nil {
				panic(err)
			}
		}
	}
}

func fresh(names []string) *world {
	w := &world{map[string]map[string]string{}, nil, map[string]*networkingv1.NetworkPolicy{}}
	for _, space := range names {
		w.namespaces[space] = map[string]string{"ns": space}
		for _, name := range []string{"a", "b", "c"} {
			w.pods = append(w.pods, w.made(space, name, map[string]string{"pod": name}))
		}
	}
	return w
}

func (w *world) made(space string, name string, labels map[string]string) pod {
	return pod{space, name, labels, fmt.Sprintf("10.1.0.%d", len(w.pods)+1)}
}

func (w *world) apply(action *generator.Action) {
	switch {
	case action.CreatePolicy != nil:
		w.put(action.CreatePolicy.Policy)
	case action.UpdatePolicy != nil:
		w.put(action.UpdatePolicy.Policy)
	case action.DeletePolicy != nil:
		delete(w.policies, action.DeletePolicy.Namespace+"/"+action.DeletePolicy.Name)
	case action.CreateNamespace != nil:
		w.namespaces[action.CreateNamespace.Namespace] = action.CreateNamespace.Labels
	case action.SetNamespaceLabels != nil:
		w.namespaces[action.SetNamespaceLabels.Namespace] = action.SetNamespaceLabels.Labels
	case action.DeleteNamespace != nil:
		w.deleteNamespace(action.DeleteNamespace.Namespace)
	case action.CreatePod != nil:
		a := action.CreatePod
		w.pods = append(w.pods, w.made(a.Namespace, a.Pod, a.Labels))
	case action.SetPodLabels != nil:
		w.relabel(action.SetPodLabels)
	case action.DeletePod != nil:
		w.deletePod(action.DeletePod)
	}
}

func (w *world) put(found *networkingv1.NetworkPolicy) {
	w.policies[found.Namespace+"/"+found.Name] = found
}

func (w *world) deleteNamespace(name string) {
	delete(w.namespaces, name)
	w.keep(func(p pod) bool { return p.Namespace != name })
	for key, found := range w.policies {
		if found.Namespace == name {
			delete(w.policies, key)
		}
	}
}

func (w *world) deletePod(a *generator.DeletePodAction) {
	w.keep(func(p pod) bool { return p.Namespace != a.Namespace || p.Name != a.Pod })
}

func (w *world) keep(wanted func(pod) bool) {
	var kept []pod
	for _, p := range w.pods {
		if wanted(p) {
			kept = append(kept, p)
		}
	}
	w.pods = kept
}

func (w *world) relabel(a *generator.SetPodLabelsAction) {
	pods := append([]pod{}, w.pods...)
	for n, p := range pods {
		if p.Namespace == a.Namespace && p.Name == a.Pod {
			pods[n].Labels = a.Labels
		}
	}
	w.pods = pods
}

func (w *world) snapshot(name string, step int, tags []string) snapshot {
	found := snapshot{name, step, tags, map[string]map[string]string{}, w.pods, nil, ports, nil}
	for space, labels := range w.namespaces {
		found.Namespaces[space] = labels
	}
	var keys []string
	for key := range w.policies {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	var policies []*networkingv1.NetworkPolicy
	for _, key := range keys {
		p := w.policies[key]
		policies = append(policies, p)
		found.Policies = append(found.Policies, policy{p.Name, p.Namespace, p.Spec})
	}
	parsed := matcher.BuildNetworkPolicies(true, policies)
	for _, from := range w.pods {
		for _, to := range w.pods {
			found.Allowed = append(found.Allowed, w.row(parsed, from, to))
		}
	}
	return found
}

func (w *world) row(parsed *matcher.Policy, from pod, to pod) string {
	row := ""
	for _, p := range ports {
		traffic := &matcher.Traffic{
			Source:           w.peer(from),
			Destination:      w.peer(to),
			ResolvedPort:     p.Number,
			ResolvedPortName: p.Name,
			Protocol:         p.Protocol,
		}
		if parsed.IsTrafficAllowed(traffic).IsAllowed() {
			row += "1"
		} else {
			row += "0"
		}
	}
	return row
}

func (w *world) peer(p pod) *matcher.TrafficPeer {
	internal := &matcher.InternalPeer{
		PodLabels:       p.Labels,
		NamespaceLabels: stored(w.namespaces[p.Namespace], p.Namespace),
		Namespace:       p.Namespace,
	}
	return &matcher.TrafficPeer{Internal: internal, IP: p.IP}
}

// stored returns the labels of a namespace as the API server keeps them.
func stored(labels map[string]string, name string) map[string]string {
	found := map[string]string{"kubernetes.io/metadata.name": name}
	for key, value := range labels {
		found[key] = value
	}
	return found
}
