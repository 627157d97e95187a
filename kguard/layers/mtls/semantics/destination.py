# SPDX-License-Identifier: Apache-2.0
"""Which DestinationRule does a client obey?

Authority: istio/istio pilot/pkg/model/push_context.go (`setDestinationRules`, `destinationRule`),
destination_rule.go (`mergeDestinationRule`) and sidecar.go (`SidecarScope.DestinationRule`):
the client's namespace first, then the service's, then the root namespace; the most specific host
of the first hit wins; nothing is merged across namespaces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from kguard.layers.mtls.semantics.peerauth import REVISION_LABEL, age_key, seconds_of
from kguard.model.manifests import JsonObject, mapping, sequence, strings

TlsMode = Literal["disable", "simple", "mutual", "istio_mutual"]
_MODES: dict[object, TlsMode] = {
    "DISABLE": "disable",
    "SIMPLE": "simple",
    "MUTUAL": "mutual",
    "ISTIO_MUTUAL": "istio_mutual",
}
PASSTHROUGH = "PASSTHROUGH"
_PRIVATE, _PUBLIC = ".", "*"


class Tls(msgspec.Struct, frozen=True):
    """A `tls` block; an empty one is DISABLE, the zero value."""

    mode: TlsMode
    credential: bool = False
    """Whether it names a Secret (`credentialName`) instead of files."""


class Level(msgspec.Struct, frozen=True):
    """What one level of a traffic policy says about TLS and load balancing."""

    tls: Tls | None = None
    balancer: str = ""


class Policy(msgspec.Struct, frozen=True):
    """A traffic policy: one level for all ports, and one for each port that it names."""

    all_ports: Level
    ports: dict[int, Level]

    def at(self, port: int) -> tuple[Level, bool]:
        """The level that counts for a port, and whether it is the port's own.

        A port's own level replaces the one above as a whole.
        """
        own = self.ports.get(port)
        return (self.all_ports, False) if own is None else (own, True)

    def tls_mode(self, port: int) -> TlsMode | None:
        """The mode that endpoints are marked by: a port's level without TLS is passed over."""
        own = self.ports.get(port)
        tls = own.tls if own and own.tls else self.all_ports.tls
        return tls.mode if tls else None


class Subset(msgspec.Struct, frozen=True):
    """A named part of the service's pods with a traffic policy of its own."""

    name: str
    labels: dict[str, str]
    policy: Policy | None


class Rule(msgspec.Struct, frozen=True, eq=False):
    """A DestinationRule, or several that were merged."""

    names: tuple[str, ...]
    """`namespace/name` of the rules in it."""
    namespace: str
    host: str
    created: int | None
    export: frozenset[str]
    selector: dict[str, str] | None
    """The labels of `workloadSelector`; None where there is none."""
    policy: Policy | None
    subsets: tuple[Subset, ...]
    revision: str = ""

    def subset(self, name: str) -> Subset | None:
        """A subset by name."""
        return next((subset for subset in self.subsets if subset.name == name), None)

    def seen_in(self, namespace: str) -> bool:
        """Whether an exported rule is visible to clients of a namespace."""
        return not self.export or bool(self.export & {_PUBLIC, namespace})


def parse_rule(namespace: str, value: JsonObject, domain: str = "cluster.local") -> Rule:
    """Read a DestinationRule; what is malformed counts as absent."""
    metadata, spec = mapping(value.get("metadata")), mapping(value.get("spec"))
    host, chosen = spec.get("host"), spec.get("workloadSelector")
    export = frozenset(str(entry) for entry in sequence(spec.get("exportTo")))
    return Rule(
        names=(f"{namespace}/{metadata.get('name', '')}",),
        namespace=namespace,
        host=full_host(host if isinstance(host, str) else "", namespace, domain),
        created=seconds_of(metadata.get("creationTimestamp")),
        export=export if chosen is None else frozenset({_PRIVATE}),
        selector=None if chosen is None else strings(mapping(chosen).get("matchLabels")),
        policy=_policy(spec.get("trafficPolicy")),
        subsets=tuple(_subset(entry) for entry in sequence(spec.get("subsets"))),
        revision=strings(metadata.get("labels")).get(REVISION_LABEL, ""),
    )


def full_host(host: str, namespace: str, domain: str) -> str:
    """A host without a dot is a Service of the rule's namespace; others stay as they are."""
    if not host or "." in host or host.startswith("*"):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def _policy(value: object) -> Policy | None:
    if not isinstance(value, dict):
        return None
    ports: dict[int, Level] = {}
    for entry in sequence(value.get("portLevelSettings")):
        number = mapping(mapping(entry).get("port")).get("number")
        if type(number) is int:
            ports.setdefault(number, _level(mapping(entry)))
    return Policy(_level(value), ports)


def _level(value: JsonObject) -> Level:
    tls = value.get("tls")
    mode = _MODES.get(str(mapping(tls).get("mode", "DISABLE")))
    found = Tls(mode, bool(mapping(tls).get("credentialName"))) if mode else None
    balancer = mapping(value.get("loadBalancer")).get("simple", "")
    return Level(found if isinstance(tls, dict) else None, str(balancer))


def _subset(value: object) -> Subset:
    fields = mapping(value)
    name = fields.get("name")
    return Subset(
        name if isinstance(name, str) else "",
        strings(fields.get("labels")),
        _policy(fields.get("trafficPolicy")),
    )


_Hosts = dict[str, list[Rule]]


class RuleIndex:
    """All DestinationRules of a mesh, as clients look them up.

    Args:
        rules: in any order.
        root: the root namespace of the mesh.
        default_export: `MeshConfig.defaultDestinationRuleExportTo`.
        revision: of the control plane; empty sees rules of every revision.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        root: str,
        default_export: Iterable[str] = (_PUBLIC,),
        revision: str = "",
    ) -> None:
        self.root = root
        self._private_default = _PRIVATE in default_export
        self._local: dict[str, _Hosts] = {}
        self._exported: dict[str, _Hosts] = {}
        self._root_only: _Hosts = {}
        for rule in sorted(rules, key=_order):
            if not rule.revision or not revision or rule.revision == revision:
                self._add(rule)

    def _add(self, rule: Rule) -> None:
        if not rule.export or rule.export & {_PUBLIC, _PRIVATE, rule.namespace}:
            _merge(self._local.setdefault(rule.namespace, {}), rule)
        if not self._is_private(rule):
            _merge(self._exported.setdefault(rule.namespace, {}), rule)
        elif rule.namespace == self.root:
            _merge(self._root_only, rule)

    def _is_private(self, rule: Rule) -> bool:
        if not rule.export:
            return self._private_default
        return rule.export in ({_PRIVATE}, {rule.namespace})

    def rule_for(
        self, client: str, labels: Mapping[str, str], host: str, service: str
    ) -> Rule | None:
        """The rule that clients obey.

        Args:
            client: the namespace of the client.
            labels: of the client's pod.
            host: the full name of the service.
            service: the namespace of the service.
        """
        chosen: Rule | None = None
        for rule in self._candidates(client, host, service):
            if rule.selector is None:
                chosen = rule
            elif rule.selector.items() <= labels.items():  # such a rule is its namespace's own
                return rule
        return chosen

    def _candidates(self, client: str, host: str, service: str) -> list[Rule]:
        own = self._root_only if client == self.root else self._local.get(client, {})
        found = _most_specific(own, host)
        if found is not None:
            return found
        for place in (service, self.root):
            exported = _most_specific(self._exported.get(place, {}), host) or []
            # the most specific host is taken before visibility is looked at
            visible = [rule for rule in exported if rule.seen_in(client)]
            if visible:
                return visible
        return []


def _order(rule: Rule) -> tuple[bool, tuple[int, str, str]]:
    """Rules with a workload selector first, then by age."""
    _, _, name = rule.names[0].partition("/")
    return rule.selector is None, age_key(rule.created, name, rule.namespace)


def _most_specific(hosts: _Hosts, host: str) -> list[Rule] | None:
    if host in hosts:
        return hosts[host]
    matching = [h for h in hosts if h.startswith("*") and host.endswith(h[1:])]
    return hosts[max(matching, key=len)] if matching else None


def _merge(hosts: _Hosts, rule: Rule) -> None:
    """Add a rule, or what it adds to an older one for the same host."""
    listed = hosts.setdefault(rule.host, [])
    separate = True
    for position, older in enumerate(listed):
        same = rule.export == older.export
        if not same and not (older.export and rule.export >= older.export):
            separate = True
            continue
        if None not in (rule.selector, older.selector) and rule.selector != older.selector:
            separate = True
            continue
        # a wider export goes on beside the older rule only where one of the two has a selector
        separate = not same and (rule.selector is None) != (older.selector is None)
        listed[position] = _merged(older, rule)
    if separate:
        listed.append(rule)


def _merged(older: Rule, rule: Rule) -> Rule:
    """The older rule with the younger's further subsets; a top-level policy is taken whole."""
    known = {subset.name for subset in older.subsets}
    more = [subset for subset in rule.subsets if subset.name not in known]
    return msgspec.structs.replace(
        older,
        names=(*older.names, *rule.names),
        policy=older.policy if older.policy is not None else rule.policy,
        subsets=(*older.subsets, *more),
    )
