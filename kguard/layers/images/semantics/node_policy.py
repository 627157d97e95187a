# SPDX-License-Identifier: Apache-2.0
"""What do the files of a node demand of the images that it pulls?

Authority: containers/image docs/containers-policy.json.5.md (CRI-O and Podman: of the scopes of the
transport `docker` the most specific one counts, then its `""`, then `default`; all requirements of
a scope must hold) and containerd docs/image-verification.md (`bindir`: every program in the folder
must agree; without any, nothing is refused). Which programs lie in that folder no manifest says.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from kguard.layers.images.semantics.enforcement import ImagePolicy, Installed, Pattern
from kguard.layers.images.semantics.globs import scope_matches
from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence
from kguard.model.facts.images import Trust
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, ObjectRef, mapping, sequence, strings

VERIFIER = "io.containerd.image-verifier.v1.bindir"
POLICY_FILE = "policy.json"
_TRUST: dict[str, tuple[Trust, str]] = {
    "insecureAcceptAnything": ("everyone", "accepts every image without any signature"),
    "reject": ("nobody", "refuses every image"),
    "signedBy": ("named", "demands a signature of one of its GPG keys"),
    "sigstoreSigned": ("named", "demands a signature of its key or authority"),
}
_ORDER: tuple[Trust, ...] = ("nobody", "named", "unknown", "everyone")
"""All requirements must hold, so that the strictest one counts."""


def is_policy(value: Any) -> bool:
    """Whether a document is a containers-policy.json."""
    return isinstance(value, dict) and isinstance(value.get("default"), list)


def installed_policy(file: str, ref: str, value: JsonObject) -> Installed:
    """The policy of CRI-O and Podman as the file says it."""
    owner = ObjectRef(kind="File", name=file)
    scopes = mapping(mapping(value.get("transports")).get("docker"))
    places = {name: pointer("transports", "docker", name) for name in scopes}
    policies = [
        _read(owner, ref, name, scopes[name], place, [*scopes]) for name, place in places.items()
    ]
    if "" not in scopes:
        policies.append(_read(owner, ref, "", value.get("default"), "/default", [*scopes]))
    return Installed("containers-policy", policies, lambda _: ("true", ()))


def _read(
    owner: ObjectRef, ref: str, scope: str, value: Any, place: str, scopes: list[str]
) -> ImagePolicy:
    trust, words = _requirements(value)
    name = scope or "every other image"
    because = (Evidence(ref, place, f"for {name} {owner} {words}"),)
    return ImagePolicy(
        enforcer="containers-policy",
        id=ref,
        ref=owner,
        rule=scope,
        patterns=(Pattern(scope or "*", place),),
        matches=partial(_is_most_specific, scopes, scope),
        covers=lambda _: "true",
        action="enforce",
        trust=trust,
        reader="openshift",
        action_because=because,
        trust_because=because,
    )


def _requirements(value: Any) -> tuple[Trust, str]:
    kinds = [strings(entry).get("type", "") for entry in sequence(value)]
    unknown: tuple[Trust, str] = ("unknown", "has a requirement that is not known here")
    found = [_TRUST.get(kind, unknown) for kind in kinds] or [unknown]
    return min(found, key=lambda pair: _ORDER.index(pair[0]))


def _is_most_specific(scopes: list[str], scope: str, _: Pattern, reference: Reference) -> bool:
    matching = [name for name in scopes if name and scope_matches(name, reference)]
    best = max(matching, key=_specific, default="")
    return best == scope


def _specific(scope: str) -> tuple[bool, int]:
    """A wildcard for hosts is less specific than every path; of paths the longest counts."""
    return not scope.startswith("*."), len(scope)


def verifier_of(value: JsonObject) -> str | None:
    """The folder with containerd's verifiers, where a configuration names one."""
    found = mapping(mapping(value.get("plugins")).get(VERIFIER))
    if not found or found.get("max_verifiers") == 0:
        return None
    return strings(found).get("bin_dir", "/opt/containerd/image-verifier/bin")


def installed_verifier(file: str, ref: str, line: int, folder: str) -> Installed:
    """Containerd asks the programs of a folder that nobody here can see."""
    note = f"{file}: containerd asks what lies in {folder} on the node, which no manifest shows"
    because = (Evidence(ref, "", note, line=line),)
    return Installed("containerd-verifier", [], lambda _: ("true", ()), ("not_visible", because))
