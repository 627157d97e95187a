# SPDX-License-Identifier: Apache-2.0
"""Which kinds have no namespace?

The table holds the kinds of Kubernetes itself and of the add-ons that the layers know
(`kubectl api-resources --namespaced=false`); CustomResourceDefinitions of the input add to it.
"""

from __future__ import annotations

from collections.abc import Iterable

from kguard.model.manifests import JsonObject, mapping

_BY_GROUP = {
    "": "Namespace Node PersistentVolume ComponentStatus",
    "admissionregistration.k8s.io": (
        "MutatingWebhookConfiguration ValidatingWebhookConfiguration MutatingAdmissionPolicy "
        "MutatingAdmissionPolicyBinding ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding"
    ),
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "audit.k8s.io": "Policy",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IngressClass IPAddress ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "policy": "PodSecurityPolicy",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass ResourceSlice DeviceTaintRule",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "StorageClass CSIDriver CSINode VolumeAttachment VolumeAttributesClass",
    "policy.networking.k8s.io": (
        "AdminNetworkPolicy BaselineAdminNetworkPolicy ClusterNetworkPolicy"
    ),
    "gateway.networking.k8s.io": "GatewayClass",
    "projectcalico.org": (
        "GlobalNetworkPolicy GlobalNetworkSet Tier HostEndpoint IPPool FelixConfiguration "
        "StagedGlobalNetworkPolicy"
    ),
    "crd.projectcalico.org": (
        "GlobalNetworkPolicy GlobalNetworkSet Tier HostEndpoint IPPool FelixConfiguration "
        "StagedGlobalNetworkPolicy"
    ),
    "cilium.io": "CiliumClusterwideNetworkPolicy CiliumNode CiliumIdentity CiliumCIDRGroup",
    "kyverno.io": "ClusterPolicy ClusterCleanupPolicy GlobalContextEntry",
    "policies.kyverno.io": (
        "ImageValidatingPolicy ValidatingPolicy MutatingPolicy GeneratingPolicy DeletingPolicy"
    ),
    "policy.sigstore.dev": "ClusterImagePolicy TrustRoot",
    "config.openshift.io": "ClusterImagePolicy Image Network APIServer ImageDigestMirrorSet",
    "k8s.ovn.org": "ClusterUserDefinedNetwork EgressIP AdminPolicyBasedExternalRoute",
    "templates.gatekeeper.sh": "ConstraintTemplate",
    "config.ratify.deislabs.io": "Verifier Store Policy KeyManagementProvider CertificateStore",
    "kubeadm.k8s.io": "ClusterConfiguration InitConfiguration JoinConfiguration",
    "kind.x-k8s.io": "Cluster",
    "kubelet.config.k8s.io": "KubeletConfiguration",
    "kubeproxy.config.k8s.io": "KubeProxyConfiguration",
    "apiserver.config.k8s.io": "AdmissionConfiguration EncryptionConfiguration",
    "kustomize.config.k8s.io": "Kustomization Component",
    "project.openshift.io": "Project",
}

CLUSTER_SCOPED_GROUPS = frozenset({"constraints.gatekeeper.sh"})
"""Groups without any namespaced kind: Gatekeeper makes a kind of every ConstraintTemplate."""

CLUSTER_SCOPED = frozenset(
    (kind, group) for group, kinds in _BY_GROUP.items() for kind in kinds.split()
)


def cluster_scoped(definitions: Iterable[JsonObject]) -> frozenset[tuple[str, str]]:
    """The (kind, group) pairs without a namespace, given the CRD objects of the input."""
    known = set(CLUSTER_SCOPED)
    for definition in definitions:
        spec = mapping(definition.get("spec"))
        pair = (mapping(spec.get("names")).get("kind"), spec.get("group"))
        if not (isinstance(pair[0], str) and isinstance(pair[1], str)):
            continue
        (known.add if spec.get("scope") == "Cluster" else known.discard)((pair[0], pair[1]))
    return frozenset(known)
