# SPDX-License-Identifier: Apache-2.0
"""Where network plugins read the NetworkPolicy API differently: which reading is taken?

The API leaves open whether an ipBlock matches the address of a pod, and what happens to pods in
the network of their node (kubernetes.io/docs/concepts/services-networking/network-policies).
`generic` answers "may be" wherever plugins differ. Sources: cilium issue 9209 (CIDR rules never
select pods); libcalico-go/lib/backend/k8s/conversion (nets match any address);
kube-network-policies pkg/networkpolicy/networkpolicy.go (`evaluateIPBlocks` compares the raw
address) and pkg/podinfo/ipresolver.go (pods on the host network are not in its index);
ovn-kubernetes go-controller/pkg/ovn/gress_policy.go (constructIPBlockStringsForACL), Antrea's
pkg/agent/openflow/network_policy.go and kube-router's ipsets compare addresses likewise.

A plugin without `endPort` takes the first port alone (kubernetes.io/docs, "Targeting a range of
ports"). SCTP is off in Cilium unless `enable-sctp` is set (docs.cilium.io/en/stable/configuration/
sctp) and open in kube-router (issue 1019). The node of a pod gets in everywhere: networking/v1
types.go; Felix does not police what its host sends (felix/rules/static.go), Antrea's
localProbeFlows and kube-router's rule for local sources admit it, and so does Cilium
(pkg/policy/repository.go, `AlwaysAllowLocalhost`), where a rule that denies still wins. Who
implements which of the cluster-wide kinds: network-policy-api site-src/implementations.md of April
2026, and cilium v1.20.2 pkg/policy/k8s/cluster_network_policy.go.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.errors import UsageError


class Profile(msgspec.Struct, frozen=True):
    """One reading of the API."""

    name: str
    enforces: Literal["yes", "no", "unknown"] = "yes"
    """Whether the plugin enforces NetworkPolicies at all."""
    block_matches_pods: Literal["yes", "no", "maybe"] = "maybe"
    block_matches_nodes: bool = True
    """Whether an ipBlock matches the addresses of nodes."""
    networks_match_pods: Literal["yes", "no", "maybe"] = "yes"
    """The same for the `networks` of cluster-wide policies, where the API says that they do."""
    host_network: Literal["pod", "node", "unknown"] = "unknown"
    """`pod`: pods on the host network are treated like others; `node`: policies neither select them
    nor mean them by labels."""
    kinds: tuple[Literal["admin", "cluster", "calico", "cilium"], ...] = ()
    """Which kinds besides NetworkPolicy have an effect: `admin` are those of network-policy-api
    v1alpha1, `cluster` that of v1alpha2, the others a plugin's own."""
    evaluates_nodes: bool = True
    """Whether peers that name nodes mean anything."""
    baseline: Literal["direction", "pod", "unknown"] = "direction"
    """`direction`: the baseline tier is asked where no NetworkPolicy restricts the direction;
    `pod`: where none selects the pod."""
    trusts_missing_labels: bool = False
    """Whether a namespace that the input does not define has no labels besides its name."""
    first_named_port: bool = False
    """Whether only the first container port of a name counts, whatever its protocol."""
    tolerant: bool = False
    """Whether policies count for which the API server would refuse the name or ask for one more
    selector."""
    ipv6: bool = True
    """Whether listings show IPv6 ranges."""
    end_ports: Literal["yes", "maybe"] = "yes"
    """Whether `endPort` of a NetworkPolicy counts; where it does not, the first port alone does."""
    sctp: Literal["yes", "no", "maybe"] = "yes"
    """Whether rules of NetworkPolicies for SCTP admit anything."""
    own_node: Literal["always", "unless_denied", "by_rules"] = "always"
    """Whether a pod's own node gets in, where probes come from."""


GENERIC = Profile(
    "generic",
    enforces="unknown",
    baseline="unknown",
    end_ports="maybe",
    sctp="maybe",
    kinds=("admin", "cluster", "calico", "cilium"),
)
NETPOL_ANALYZER = Profile(
    "netpol-analyzer",
    kinds=("admin",),
    block_matches_pods="no",
    host_network="pod",
    trusts_missing_labels=True,
    first_named_port=True,
    tolerant=True,
    ipv6=False,
    networks_match_pods="no",
    evaluates_nodes=False,
)
PROFILES = {
    profile.name: profile
    for profile in (
        GENERIC,
        NETPOL_ANALYZER,
        Profile(
            "calico",
            block_matches_pods="yes",
            host_network="node",
            kinds=("admin", "cluster", "calico"),
        ),
        Profile(
            "canal",
            block_matches_pods="yes",
            host_network="node",
            kinds=("admin", "cluster", "calico"),
        ),
        Profile(
            "cilium",
            block_matches_pods="no",
            block_matches_nodes=False,
            host_network="node",
            kinds=("cluster", "cilium"),
            sctp="maybe",
            own_node="unless_denied",
        ),
        Profile("antrea", block_matches_pods="yes", kinds=("admin",)),
        Profile("ovn-kubernetes", block_matches_pods="yes", kinds=("admin",)),
        Profile("kube-router", block_matches_pods="yes", sctp="maybe"),
        Profile("weave", end_ports="maybe", sctp="maybe"),
        Profile(
            "kube-network-policies",
            block_matches_pods="yes",
            host_network="node",
            baseline="pod",
            kinds=("admin", "cluster"),
        ),
        Profile("none", enforces="no"),
        Profile("flannel", enforces="no"),
        Profile("kubenet", enforces="no"),
    )
}

PLUGINS = ("antrea", "calico", "cilium", "kube-network-policies", "ovn-kubernetes")
"""The plugins that are asked one by one where nobody said which one runs."""


def profile_of(plugin: str) -> Profile:
    """The reading of a network plugin; `generic` for an unknown one."""
    return PROFILES.get(plugin, GENERIC)


def named_profile(name: str) -> Profile:
    """The reading that a user names.

    Raises:
        UsageError: there is none of that name.
    """
    found = PROFILES.get(name)
    if found is None:
        known = ", ".join(PROFILES)
        raise UsageError(f"no profile is named `{name}`", hint=f"the profiles are: {known}")
    return found
