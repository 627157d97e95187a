# SPDX-License-Identifier: Apache-2.0
"""Which resources of an API server do the layers need? Nothing else is listed."""

from __future__ import annotations

EVERY = frozenset({"*"})
"""Every listable resource of a group: an add-on's own group, of which a layer reads most."""


def _some(names: str) -> frozenset[str]:
    return frozenset(names.split())


WANTED: dict[str, frozenset[str]] = {
    "": _some("configmaps namespaces nodes pods replicationcontrollers serviceaccounts services"),
    "apps": _some("daemonsets deployments replicasets statefulsets"),
    "batch": _some("cronjobs jobs"),
    "networking.k8s.io": _some("ingresses networkpolicies"),
    "policy.networking.k8s.io": EVERY,
    "gateway.networking.k8s.io": EVERY,
    "discovery.k8s.io": _some("endpointslices"),
    "admissionregistration.k8s.io": _some(
        "mutatingwebhookconfigurations validatingadmissionpolicies "
        "validatingadmissionpolicybindings validatingwebhookconfigurations"
    ),
    "apiextensions.k8s.io": _some("customresourcedefinitions"),
    "apiregistration.k8s.io": _some("apiservices"),
    "node.k8s.io": _some("runtimeclasses"),
    "rbac.authorization.k8s.io": _some("clusterrolebindings clusterroles rolebindings roles"),
    "cert-manager.io": _some("certificates"),
    "security.istio.io": EVERY,
    "networking.istio.io": EVERY,
    "sailoperator.io": _some("istios ztunnels"),
    "install.istio.io": EVERY,
    "cilium.io": _some("ciliumclusterwidenetworkpolicies ciliumnetworkpolicies ciliumcidrgroups"),
    "consul.hashicorp.com": _some("proxydefaults servicedefaults"),
    "crd.antrea.io": _some("clusternetworkpolicies networkpolicies"),
    "crd.projectcalico.org": _some(
        "felixconfigurations globalnetworkpolicies globalnetworksets networkpolicies "
        "networksets tiers"
    ),
    "k8s.ovn.org": _some("egressfirewalls"),
    "monitoring.coreos.com": _some(
        "podmonitors probes prometheusagents prometheuses servicemonitors"
    ),
    "networking.internal.knative.dev": _some("certificates"),
    "policy.linkerd.io": EVERY,
    "projectcalico.org": _some(
        "globalnetworkpolicies globalnetworksets networkpolicies networksets tiers"
    ),
    "k8s.cni.cncf.io": EVERY,
    "serving.knative.dev": _some("configurations domainmappings revisions routes services"),
    "eventing.knative.dev": EVERY,
    "messaging.knative.dev": EVERY,
    "flows.knative.dev": EVERY,
    "sources.knative.dev": EVERY,
    "sinks.knative.dev": EVERY,
    "operator.knative.dev": EVERY,
    "argoproj.io": _some("rollouts"),
    "apps.openshift.io": _some("deploymentconfigs"),
    "config.openshift.io": _some(
        "apiservers clusterimagepolicies imagedigestmirrorsets imagepolicies images networks"
    ),
    "route.openshift.io": _some("routes"),
    "kyverno.io": _some("clusterpolicies policies policyexceptions"),
    "policies.kyverno.io": EVERY,
    "policy.sigstore.dev": EVERY,
    "templates.gatekeeper.sh": _some("constrainttemplates"),
    "constraints.gatekeeper.sh": EVERY,
    "config.ratify.deislabs.io": _some("verifiers"),
    "instance.falcosecurity.dev": EVERY,
    "artifact.falcosecurity.dev": EVERY,
    "wgpolicyk8s.io": _some("clusterpolicyreports policyreports"),
}

CONFIDENTIAL = ("", "secrets")
"""Read only when the user asks for it."""


def wanted(group: str, resource: str, *, read_secrets: bool) -> bool:
    """Whether a resource (plural name) of a group belongs to the inventory."""
    if (group, resource) == CONFIDENTIAL:
        return read_secrets
    names = WANTED.get(group, frozenset())
    return resource in names or names is EVERY
