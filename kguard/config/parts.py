# SPDX-License-Identifier: Apache-2.0
"""Which blocks does `kguard.yaml` have?

What stands below a field describes it in the JSON Schema as well (`kguard schema config`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A block of settings: unknown keys are errors."""


class Cluster(Strict, frozen=True):
    """What kguard may take for granted about the cluster; empty where detection shall decide."""

    kubernetes: str = ""
    """The version of Kubernetes, such as `1.36`."""
    istio: str = ""
    """The version of Istio, such as `1.31`."""
    knative: str = ""
    """The version of Knative, such as `1.22`."""
    falco: str = ""
    """The version of Falco, such as `0.44`."""
    cni: str = ""
    """generic, calico, cilium, ovn-kubernetes, kube-network-policies, antrea or none."""
    enforcer: str = ""
    """The image admission enforcer and its version, such as `policy-controller 0.13`."""
    root_namespace: str = ""
    """Istio's root namespace; `istio-system` where nothing says otherwise."""
    trust_domain: str = ""
    """The trust domain of the mesh; `cluster.local` where nothing says otherwise."""
    cluster_domain: str = ""
    """The domain of cluster-internal names; `cluster.local` where nothing says otherwise."""


class PolicySettings(Strict, frozen=True):
    """Settings of one policy."""

    enabled: bool = True
    """Whether the policy runs."""
    severity: Literal["info", "low", "medium", "high", "critical"] | None = None
    """Its severity, instead of the policy's own."""
    params: dict[str, Any] = {}
    """Its parameters, by name; `kguard policies show ID` names them."""


class Namespaces(Strict, frozen=True):
    """Which namespaces are left out of findings."""

    exclude: tuple[str, ...] = ()
    """Names of namespaces whose objects yield no findings."""


class Identity(Strict, frozen=True):
    """A signer that is trusted, for the images that match `images` (a glob)."""

    images: str = "**"
    """The images that it may sign, as a glob."""
    issuer: str = ""
    """Who vouches for the signer: the OIDC issuer in the certificate."""
    issuer_regexp: str = ""
    """The same as a regular expression."""
    subject: str = ""
    """The signer in the certificate: an e-mail address or the URL of a workflow."""
    subject_regexp: str = ""
    """The same as a regular expression."""
    key: str = ""
    """Path of a public key, relative to kguard.yaml."""


class NotationStore(Strict, frozen=True):
    """Certificates in which signatures of the Notary Project may end."""

    certificates: str
    """Path of the certificates (PEM), relative to kguard.yaml."""
    images: str = "**"
    """The images that may be signed so, as a glob."""
    subjects: tuple[str, ...] = ()
    """`C=XX, O=acme`: parts of the signer's subject of which one must fit; without any, all do."""


class Trust(Strict, frozen=True):
    """Who may sign images."""

    roots: tuple[str, ...] = ()
    """Paths of trusted_root.json files, relative to kguard.yaml."""
    keys: tuple[str, ...] = ()
    """Paths of public keys (PEM), relative to kguard.yaml."""
    identities: tuple[Identity, ...] = ()
    """Signers that are trusted, each for some images."""
    notation: tuple[NotationStore, ...] = ()
    """Trust stores of the Notary Project."""
    evidence: tuple[str, ...] = ()
    """Folders with signatures, relative to kguard.yaml."""


class RegistryMirror(Strict, frozen=True):
    """Other places for the repositories under a prefix."""

    prefix: str
    """`docker.io`, `registry.example.com/shop`, `*.example.com`, or `*` for every registry."""
    locations: tuple[str, ...]
    """Hosts, with the path that stands for the prefix, in the order to try."""
    only: bool = False
    """Whether the registry itself is not asked."""


class SignatureRepository(Strict, frozen=True):
    """A repository where signatures lie besides, as with `COSIGN_REPOSITORY`."""

    prefix: str
    """Of the repositories with the images."""
    repository: str
    """Where their signatures lie."""


class Registries(Strict, frozen=True):
    """How registries are asked, where they are asked at all."""

    mirrors: tuple[RegistryMirror, ...] = ()
    """Other places where images lie."""
    signatures: tuple[SignatureRepository, ...] = ()
    """Other places where signatures lie."""
    node_files: tuple[str, ...] = ()
    """registries.conf, or folders with HOST/hosts.toml, relative to kguard.yaml."""
    ca_files: tuple[str, ...] = ()
    """Certificate authorities (PEM), relative to kguard.yaml."""
    plain_http: tuple[str, ...] = ()
    """Hosts that are asked without TLS."""


Floor = Literal["None", "Metadata", "Request", "RequestResponse"]


class AuditFamily(Strict, frozen=True):
    """A class of requests that the audit policy must record."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
    """Its name, by which findings call it."""
    floor: Floor
    """The least level at which its requests must be recorded."""
    groups: tuple[str, ...]
    """API groups; the core group is the empty text."""
    title: str = ""
    """Its name for people."""
    resources: tuple[str, ...] = ("*",)
    """Resources, `*` for all."""
    verbs: tuple[str, ...] = ("create", "update", "patch", "delete", "deletecollection")
    """Verbs of requests."""


class Audit(Strict, frozen=True):
    """What must be recorded at least (`None`: need not), and how much at most."""

    floors: dict[
        Literal[
            "writes",
            "connections",
            "proxies",
            "secret_reads",
            "token_requests",
            "failed_logins",
            "access_control",
            "cluster_control",
            "istio_objects",
            "knative_objects",
            "image_policies",
            "falco_objects",
        ],
        Floor,
    ] = {}
    """The least level for each of the built-in families."""
    ceilings: dict[Literal["secret_bodies", "token_bodies", "configmap_bodies"], Floor] = {}
    """The most that may be recorded of bodies with secrets."""
    families: tuple[AuditFamily, ...] = ()
    """Families of your own."""


class Falco(Strict, frozen=True):
    """What of Falco is not among the manifests."""

    rules: tuple[str, ...] = ()
    """Files with the rules that come with it, in the order of loading, relative to kguard.yaml."""


class Scenario(Strict, frozen=True):
    """An event that some rule of Falco must notice."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_.-]*$")]
    """Its name, by which findings call it."""
    event: dict[str, str | tuple[str, ...]]
    """Fields of Falco with their values; what is not named, the event does not have."""
    title: str = ""
    """Its name for people."""
    source: str = "syscall"
    """The source of the event: `syscall`, `k8s_audit` or another plugin's."""


class Runtime(Strict, frozen=True):
    """What Falco must notice beside the attacks of the baseline."""

    scenarios: tuple[Scenario, ...] = ()
    """Events that some rule of Falco must notice."""


class NamedCluster(Strict, frozen=True):
    """A cluster to audit beside others; with `folder` as many as there are files in it."""

    name: str = ""
    """Else that of the context, of the cluster in the snapshot, or of the file."""
    context: str = ""
    """Of the kubeconfig; the current one where it is empty."""
    kubeconfig: str = ""
    """Relative to kguard.yaml, like the other paths; the user's own where it is empty."""
    snapshot: str = ""
    """A file that `kguard snapshot` wrote."""
    folder: str = ""
    """Each file in it is a kubeconfig or a snapshot."""


class Release(Strict, frozen=True):
    """One way in which a chart is installed."""

    chart: str
    """The folder of the chart, relative to kguard.yaml."""
    name: str = "release"
    """The name of the release."""
    namespace: str = "default"
    """The namespace that it is installed in."""
    values: tuple[str, ...] = ()
    """Files of values, in the order of `helm -f`, relative to kguard.yaml."""
    set: dict[str, str] = {}
    """Single values, as with `helm --set`."""
    kubernetes: str = ""
    """The version of Kubernetes that the chart is told."""
