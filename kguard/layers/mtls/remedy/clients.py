# SPDX-License-Identifier: Apache-2.0
"""How do clients come to use mutual TLS again: by the rules that they obey?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.remedy.policies import manifest_of, too_early
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.locations import pointer, pointer_tokens
from kguard.model.manifests import JsonObject, Manifest, mapping
from kguard.model.remedies import Cannot, Create, Edit, Operation, Proposal, RemedyRequest

_MODE = "ISTIO_MUTUAL"


def client_tls(request: RemedyRequest) -> Iterator[Proposal]:
    """Let clients show their identity: ISTIO_MUTUAL, or automatic where some pods take none."""
    early = too_early(request, "warn")
    if early:
        yield early
        return
    facts: model.Facts = request.facts
    rules = {(rule.ref.id, rule.part): rule for rule in facts.rules}
    for finding in request.findings:
        rule = rules.get((finding.target.id, finding.path))
        manifest = manifest_of(request.inventory, finding.target)
        if rule is None or manifest is None:
            yield Cannot((finding.fingerprint,), "the rule is not in the input")
        else:
            yield _mended(manifest, rule, finding)


def _mended(manifest: Manifest, rule: model.ClientRule, finding: Finding) -> Proposal:
    if rule.mode == "istio_mutual":
        reason = "the rule is right, pods behind the service have no proxy"
        return Cannot((finding.fingerprint,), reason, "put them into the mesh")
    place = rule.because[0].pointer.removesuffix("/mode")
    operation: Operation | None = _operation(manifest.object, place)
    why = f"clients of {rule.host} show their mesh identity"
    if rule.reaches == "mixed":
        operation = _removal(manifest.object, place)
        why = f"clients of {rule.host} send mutual TLS to every pod that takes it"
    if operation is None:
        reason = "one of several port settings would have to go"
        return Cannot((finding.fingerprint,), reason, f"remove {place} by hand")
    return Edit(manifest.id, (operation,), (finding.fingerprint,), why)


def _operation(value: object, place: str) -> Operation:
    """Only the mode where nothing else stands in the block; else the block as a whole.

    With ISTIO_MUTUAL, certificates of one's own are refused by validation.
    """
    if mapping(_at(value, pointer_tokens(place))).keys() == {"mode"}:
        return Operation("replace", f"{place}/mode", _MODE)
    return Operation("replace", place, {"mode": _MODE})


def _removal(value: object, place: str) -> Operation | None:
    """Take the block away, with everything around it that validation refuses when empty.

    Returns:
        None where an entry would have to leave a list that others stay in.
    """
    tokens = pointer_tokens(place)
    while tokens[-2] != "spec":
        around = _at(value, tokens[:-1])
        if isinstance(around, list):
            if len(around) > 1:
                return None
        elif mapping(around).keys() - {tokens[-1], "port"} or "name" in mapping(around):
            break
        tokens.pop()
    return Operation("remove", pointer(*tokens))


def _at(value: object, tokens: list[str]) -> object:
    for token in tokens:
        value = value[int(token)] if isinstance(value, list) else mapping(value).get(token)
    return value


def mutual_everywhere(request: RemedyRequest) -> Iterator[Proposal]:
    """Where automatic mutual TLS is off, rules for the whole mesh take its place."""
    facts: model.Facts = request.facts
    closes = tuple(finding.fingerprint for finding in request.findings)
    early = too_early(request, "warn")
    if early:
        yield early
        return
    domain = request.inventory.value("cluster-domain") or "cluster.local"
    hosts = {"mesh-mutual-tls": (f"*.{domain}", _MODE)}
    hosts["api-server-tls"] = (f"kubernetes.default.svc.{domain}", "DISABLE")
    whys = {
        _MODE: "clients send mutual TLS everywhere, although it is not automatic",
        "DISABLE": "the API server is no member of the mesh and ends TLS of its own",
    }
    for name, (host, mode) in sorted(hosts.items()):
        yield Create(_rule(facts.mesh.root, name, host, mode), closes, whys[mode])


def _rule(namespace: str, name: str, host: str, mode: str) -> JsonObject:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "DestinationRule",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"host": host, "trafficPolicy": {"tls": {"mode": mode}}},
    }
