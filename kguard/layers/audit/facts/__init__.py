# SPDX-License-Identifier: Apache-2.0
"""Which API servers and audit policies are there, and what is recorded?"""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import structs

from kguard.inventory import Inventory
from kguard.layers.audit.facts import (
    distributions,
    kubeadm,
    kubeadm_patches,
    managed,
    metrics,
    platforms,
    pods,
    scripts,
)
from kguard.layers.audit.facts.configuration import Configuration
from kguard.layers.audit.facts.judged import Source, judge, profile_of
from kguard.layers.audit.facts.rights import Held, defeats, held
from kguard.layers.audit.facts.served import served
from kguard.layers.audit.facts.servers import Chosen, divergences, server_facts
from kguard.layers.audit.facts.sources import Candidate, candidates, choose
from kguard.layers.audit.semantics.flags import effective
from kguard.layers.audit.semantics.loading import load
from kguard.layers.audit.semantics.profile import Profile
from kguard.layers.audit.semantics.version import parse_version
from kguard.model.facts.audit import AuditPolicy, Facts, Server
from kguard.model.facts.audit import Profile as Settings
from kguard.model.facts.common import Evidence, Presence
from kguard.model.layer import Request
from kguard.model.manifests import mapping


def compute(inventory: Inventory, request: Request) -> Facts:
    """The facts document of the audit layer."""
    known = candidates(inventory)
    servers: list[Server] = []
    sources = {one.source.name: one.source for one in known}
    versions: dict[str, str] = {}
    found = configurations(inventory)
    for configuration in found:
        own = configuration.version
        version = own if parse_version(own) else known_version(inventory)
        chosen, source = _policy(configuration, known, version, inventory)
        if source is not None:
            sources[source.name] = source
            versions.setdefault(source.name, version)
        servers.append(server_facts(configuration, version, chosen))
    servers = metrics.counted(inventory, servers, known_version(inventory))
    refused = metrics.refused(inventory)
    rights = held(inventory)
    settings = msgspec.convert(request.settings.get("audit", {}), Settings)
    profile = profile_of(settings)
    policies = _policies(inventory, sources, versions, servers, rights, profile)
    return Facts(
        scope=request.scope,
        presence=_presence(inventory, servers, policies),
        servers=[_doubted(server, refused) for server in servers],
        policies=policies,
        divergences=divergences(found),
        defeats=defeats(rights),
        profile=settings,
        unread=[*refused, *_unread(inventory)],
    )


def _doubted(server: Server, refused: list[Evidence]) -> Server:
    """A server about which evidence is missing that somebody could grant."""
    if server.recording != "unknown" or not server.ref.cluster:
        return server
    return structs.replace(server, because=[*server.because, *refused])


def known_version(inventory: Inventory) -> str:
    """The Kubernetes version that somebody or something told; empty for a mere default."""
    entry = inventory.assumed.get("kubernetes")
    if entry is None or (entry.how == "assumed" and not entry.because):
        return ""
    return entry.value


def configurations(inventory: Inventory) -> list[Configuration]:
    """Every API server of the input; what kubeadm stored counts where no pod shows the truth."""
    found = [
        *kubeadm.configurations(inventory),
        *pods.configurations(inventory),
        *distributions.configurations(inventory),
        *platforms.configurations(inventory),
        *managed.configurations(inventory),
        *scripts.configurations(inventory),
    ]
    return _distinct(found) or list(kubeadm.stored_configuration(inventory))


def _distinct(found: list[Configuration]) -> list[Configuration]:
    """Configurations that have no name and whose files are called alike go by their paths."""
    count = Counter(configuration.ref for configuration in found)
    return [
        structs.replace(one, ref=structs.replace(one.ref, name=one.file))
        if one.file and count[one.ref] > 1
        else one
        for one in found
    ]


def _policy(
    configuration: Configuration, known: list[Candidate], version: str, inventory: Inventory
) -> tuple[Chosen, Source | None]:
    """The policy of a server, or why it has none, or why it is not known."""
    flag = effective(configuration.flags).get("audit-policy-file")
    if flag is None or flag.value == "":
        if configuration.unsure:
            return Chosen("unknown", reason=configuration.unsure), None
        return Chosen("absent"), None
    if flag.value is None:
        return Chosen("unknown", reason="its value is only known when the server starts"), None
    found = choose(configuration, flag.value, known, inventory)
    if isinstance(found, str):
        return Chosen("unknown", reason=found), None
    state = load(found.value, parse_version(version)).state
    return Chosen(state, found.name), found


def _policies(
    inventory: Inventory,
    sources: dict[str, Source],
    versions: dict[str, str],
    servers: list[Server],
    rights: list[Held],
    profile: Profile,
) -> list[AuditPolicy]:
    groups = _groups(inventory)
    found = []
    for name in sorted(sources):
        users = [server.ref.name for server in servers if server.policy_name == name]
        version = parse_version(versions.get(name) or known_version(inventory))
        offered = served(inventory, sources[name].ref.cluster, version)
        found.append(judge(sources[name], users, version, groups, rights, profile, offered))
    return found


def _groups(inventory: Inventory) -> frozenset[str]:
    """The API groups of the objects, and those that CustomResourceDefinitions define."""
    defined = inventory.of("CustomResourceDefinition", "apiextensions.k8s.io")
    groups = {str(mapping(crd.spec).get("group")) for crd in defined}
    return frozenset(groups | inventory.groups.keys())


def _presence(inventory: Inventory, servers: list[Server], policies: list[AuditPolicy]) -> Presence:
    if servers or policies:
        return "present"
    missing = metrics.refused(inventory) or _unread(inventory)
    return "unknown" if missing else "absent"


def _unread(inventory: Inventory) -> list[Evidence]:
    """Why there may be a configuration of an API server that was not read."""
    reasons = inventory.unknown_kinds("ClusterConfiguration", kubeadm_patches.GROUP)
    return [Evidence(note=reason, role="related") for reason in reasons]
