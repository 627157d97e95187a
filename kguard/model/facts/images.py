# SPDX-License-Identifier: Apache-2.0
"""What is effectively so about the images that run: named how, signed by whom, enforced by what?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope, Truth
from kguard.model.manifests import ObjectRef

Role = Literal["container", "init", "sidecar", "ephemeral", "volume"]

Mutability = Literal["digest", "resolved", "version_tag", "floating_tag", "latest", "unknown"]
"""From safe to unsafe. `resolved`: Knative's controller replaces the tag by a digest when it
makes a revision; `version_tag`: a tag that is not meant to move, but can; `unknown`: the
reference cannot be read."""

How = Literal[
    "spec_digest",
    "revision_status",
    "pod_status",
    "pod_config",
    "evidence_tag",
    "registry_tag",
    "unresolved",
]
"""How the digest is known: written in the manifest, resolved by Knative in the status of a
revision, what the status of a running pod says, or what the tag named when the evidence was
collected, or names in the registry now. `pod_config`: pods run an image that was loaded into the
node, of which the status tells no digest that a registry knows."""

Origin = Literal["manifest", "pod"]
"""Where an image is named: in what makes the pods, or only in the running pods (injected sidecars,
ephemeral containers)."""

SignatureClass = Literal[
    "verified",
    "verified_attestation_only",
    "signed_via_index",
    "unjudged",
    "wrong_identity",
    "untrusted_root",
    "tampered",
    "expired_or_untimed",
    "unverifiable_offline",
    "unsupported_format",
    "unsigned",
    "not_found",
    "unresolvable",
    "unknown_auth",
    "unknown_rate_limited",
    "unknown_unreachable",
    "unknown_unreadable",
    "not_evaluated",
]
"""`unjudged`: cryptographically valid, but nobody said whom to trust; `not_evaluated`: nothing
about the image was given; `unknown_unreadable`: what was given cannot be read. Only `unsigned`
means that every place was asked and had nothing."""

Enforcer = Literal[
    "policy-controller",
    "kyverno",
    "openshift",
    "gatekeeper-ratify",
    "connaisseur",
    "containers-policy",
    "containerd-verifier",
]
"""`containers-policy`: policy.json of CRI-O and Podman; `containerd-verifier`: programs that
containerd asks on the node."""

Enforcement = Literal[
    "enforced",
    "fail_open",
    "warn_only",
    "audit_only",
    "trivially_true",
    "not_matched",
    "not_selected",
    "none",
    "not_visible",
    "unknown",
]
"""What stands between an image and the cluster: `enforced` refuses it, `fail_open` refuses it
while the webhook answers, `warn_only` and `audit_only` let it in with a note, `trivially_true`
accepts anybody's signature (or none), `not_matched`: no policy names the image, `not_selected`:
the enforcer does not look at these pods, `none`: there is no enforcer, `not_visible`: something
on the nodes decides that the input does not show."""

Trust = Literal["named", "unanchored", "everyone", "nobody", "unknown"]
"""`everyone`: a signer nobody has heard of satisfies it; `unanchored`: a regular expression that
matches in the middle of a longer identity; `nobody`: nothing can satisfy it."""

Action = Literal["enforce", "warn", "audit"]


class Signature(msgspec.Struct, frozen=True):
    """One signature or attestation that was found for an image."""

    verdict: SignatureClass
    format: str
    """`bundle`, `legacy`, `legacy-attestation`, `notation` or the media type."""
    location: str
    """`referrer`, `fallback-tag`, `sig-tag`, `att-tag`, `loose-bundle`."""
    predicate: str
    """The predicate type of a statement, empty for a plain signature."""
    signer: str
    """Subject of the certificate, or the key's fingerprint."""
    issuer: str
    reason: str
    manifest: str = ""
    """Digest of the manifest that holds it; empty for a loose bundle."""
    builder: str = ""
    """Who built the image, as a SLSA provenance says."""
    source: str = ""
    """The repository that it was built from, as a SLSA provenance says."""
    ref: str = ""
    """The branch or tag that it was built from."""


class Attestation(msgspec.Struct):
    """A statement about an image that holds cryptographically, and is no mere signature."""

    predicate: str
    """The predicate type."""
    trusted: Truth
    """Whether its signer is trusted; unknown where nobody said whom to trust."""
    signer: str
    issuer: str
    builder: str
    """Who built the image, as a SLSA provenance says; empty for other statements."""
    source: str
    ref: str


class ImageUse(msgspec.Struct):
    """One image that a workload runs (or mounts as a volume)."""

    ref: ObjectRef
    container: str
    role: Role
    image: str
    """As written."""
    label: str
    """As written, with a short digest, for messages."""
    placeholder: Truth
    """Whether a tool is meant to fill in the reference."""
    pointer: str
    """JSON pointer of the field in the manifest."""
    manifest: str
    """`Manifest.id`."""
    reference: str
    """The full name without tag or digest; empty where it cannot be read."""
    registry: str
    digest: str
    how: How
    origin: Origin
    running: list[str]
    """The digests that running pods have under this name, as their status says."""
    alike: Truth
    """Whether all running pods have the same content; `unknown` without any."""
    moved: Truth
    """Whether the tag names something else now (or did when the evidence was collected)."""
    moved_to: str
    mutability: Mutability
    signature: SignatureClass
    signature_reason: str
    signer: str
    issuer: str
    format: str
    location: str
    attestations: list[Attestation]
    enforcement: Enforcement
    enforcer: str
    visible: Truth
    """Whether the enforcer that decides can read a signature of this format; `unknown` where no
    signature holds, no enforcer decides, or it depends on the version."""
    visible_because: list[Evidence]
    """Versions and source of that answer, and whether anybody has run it."""
    decided_by: str
    """`Manifest.id` of the policy that decides; empty where none does."""
    rule: str
    """The rule of that policy, where it has several."""
    because: list[Evidence]
    """How the image is named."""
    running_because: list[Evidence]
    """What the status of some pods says."""
    signature_because: list[Evidence]
    enforcement_because: list[Evidence]


DigestRule = Literal["enforced", "fail_open", "warn_only", "audit_only", "none", "unknown"]
"""Whether the API server refuses pods whose images are named by tag."""


class NamespaceFact(msgspec.Struct):
    """Whether the installed enforcers look at a namespace in which pods run."""

    ref: ObjectRef
    looked_at: Literal["true", "false", "unknown", "no_enforcer"]
    defined: Truth
    """Whether the Namespace object is in the input."""
    images: int
    digests: DigestRule
    because: list[Evidence]
    digests_because: list[Evidence]


class PatternFact(msgspec.Struct):
    """One image pattern of a policy."""

    text: str
    valid: Truth
    """Whether it can match anything: false where it is refused, or names what is never compared."""
    images: int
    """Image uses of the input that it matches."""
    because: list[Evidence]


class PolicyFact(msgspec.Struct):
    """One policy (or rule of a policy) of an enforcer."""

    ref: ObjectRef
    enforcer: Enforcer
    rule: str
    action: Action
    fails_open: Truth
    opened_by: ObjectRef
    """The object that says what happens when the enforcer does not answer."""
    trust: Trust
    refused: Truth
    """Whether the enforcer's own admission refuses the policy, so that it is not in force."""
    patterns: list[PatternFact]
    action_because: list[Evidence]
    open_because: list[Evidence]
    trust_because: list[Evidence]
    refused_because: list[Evidence]


class MirrorFact(msgspec.Struct):
    """A host that answers for a registry on a node."""

    ref: ObjectRef
    """The file: kind `File`."""
    registry: str
    host: str
    form: Literal["registry.mirrors", "hosts.toml"]
    same_registry: Truth
    """Whether the host is the registry's own."""
    resolves: Truth
    """Whether it is asked which digest a tag names."""
    encrypted: Truth
    """TLS with verification of the certificate."""
    images: int
    """Image uses of the input that it can answer for."""
    unpinned: int
    """Those of them that are named by tag."""
    because: list[Evidence]


class RootFact(msgspec.Struct):
    """One trusted root, and how old it is."""

    name: str
    origin: Literal["public", "file", "trust_root"]
    """The public instance as the installed `sigstore` brings it, a file, or a TrustRoot object."""
    newest: str
    """The day on which its newest part began to be valid; empty where it does not say."""
    age_days: int
    """Days since then; -1 where it does not say."""
    expires: str
    """Until when its metadata is good; empty where it has none."""
    stale: Truth
    because: list[Evidence]


class EvidenceFact(msgspec.Struct):
    """What was given about signatures."""

    state: Literal["none", "read", "unreadable"]
    images: int
    """Digests that the evidence covers."""
    trusted: list[str]
    """Who is trusted, in words."""
    keys: dict[str, str]
    """The trusted keys: PEM by fingerprint."""
    roots: list[RootFact]
    problems: list[str]


class Facts(msgspec.Struct):
    """The facts document of the layer `images`."""

    scope: Scope
    presence: Presence
    enforcers: list[Enforcer]
    """Those that the input shows."""
    evidence: EvidenceFact
    uses: list[ImageUse]
    namespaces: list[NamespaceFact]
    policies: list[PolicyFact]
    mirrors: list[MirrorFact]
