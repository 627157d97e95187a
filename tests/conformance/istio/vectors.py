# SPDX-License-Identifier: Apache-2.0
"""What did istiod answer, and what do we say? One (id, recorded, ours) triple for each point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from kguard.inventory import injection
from kguard.layers.mtls.semantics import ambient, peerauth, validation
from tests.conformance.istio import oracle, tables
from tests.conformance.istio.clients import clusters
from tests.conformance.istio.listeners import listeners
from tests.conformance.istio.snapshots import Point, kind, lines, policies_of, root_of
from tests.conformance.istio.whole import enforced, intended, modes, plane, sent_to

FOLDER = "istio"
"""Where the recorded answers lie, inside those of all systems."""
_GROUP = "security.istio.io/v1"


def _policy(namespace: str, mode: str, ports: dict[str, str] | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {} if mode == "absent" else {"mtls": {"mode": mode}}
    name = "default"
    if ports is not None:
        name = "wl"
        spec["selector"] = {"matchLabels": {"app": "a"}}
        if ports:
            spec["portLevelMtls"] = {port: {"mode": text} for port, text in ports.items()}
    return {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def _of_vector(vector: dict[str, Any]) -> list[peerauth.PeerAuthentication]:
    return [peerauth.parse(o["metadata"]["namespace"], o) for o in _objects(vector)]


def _objects(vector: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    if vector["mesh"] != "absent":
        found.append(_policy("istio-system", vector["mesh"]))
    if vector["ns"] != "absent":
        found.append(_policy("foo", vector["ns"]))
    if vector["wl"] != "absent":
        ports = {p[1:]: vector[p] for p in ("p8080", "p9090") if vector[p] != "absent"}
        found.append(_policy("foo", vector["wl"], ports))
    return found


def composition(folder: Path) -> Iterator[Point]:
    """The mode that a sidecar enforces, for each vector."""
    for number, vector in enumerate(lines(folder / "peerauth_vectors.ndjson")):
        chain = peerauth.index(_of_vector(vector), "istio-system").chain("foo", {"app": "a"})
        ours = {p: peerauth.port_decision(chain, int(p)).mode.upper() for p in vector["sidecar"]}
        yield f"peerauth-{number}", vector["sidecar"], ours


def ambient_composition(folder: Path) -> Iterator[Point]:
    """What ztunnel denies, for each vector."""
    for number, vector in enumerate(lines(folder / "peerauth_vectors.ndjson")):
        index = ambient.ambient_index(_of_vector(vector), "istio-system")
        attached = index.attached("foo", {"app": "a"})
        recorded = vector["ambient_denies_plaintext"]
        ours = {p: attached.denies_plaintext(int(p)) for p in recorded}
        keys = attached.names("istio-system")
        yield f"peerauth-{number}", (recorded, vector["ambient_keys"]), (ours, keys)


def whole_sidecar(folder: Path) -> Iterator[Point]:
    """The same answers from the facts of the whole layer, for a namespace with sidecars."""
    for number, vector in enumerate(lines(folder / "peerauth_vectors.ndjson")):
        ours = modes(_objects(vector), ("istio-injection", "enabled"))
        yield f"peerauth-{number}", vector["sidecar"], ours


def whole_ambient(folder: Path) -> Iterator[Point]:
    """The same for a namespace in ambient: what denies plaintext is STRICT."""
    for number, vector in enumerate(lines(folder / "peerauth_vectors.ndjson")):
        found = modes(_objects(vector), ("istio.io/dataplane-mode", "ambient"))
        ours = {port: mode == "STRICT" for port, mode in found.items()}
        yield f"peerauth-{number}", vector["ambient_denies_plaintext"], ours


def golden_pairs(folder: Path) -> Iterator[Point]:
    """Istio's own golden pairs: the converted policy of the last document denies alike."""
    for path in sorted((folder / "ambient-peer-authn").glob("*-in.yaml")):
        documents = [d for d in yaml.safe_load_all(path.read_text()) if d]
        golden = yaml.safe_load(path.with_name(path.name.replace("-in", "")).read_text())
        policies = [peerauth.parse(d["metadata"].get("namespace", "x"), d) for d in documents]
        workload = next((p for p in policies if p.selector), None)
        recorded = {p: _golden_denies(golden, p) for p in (7777, 8080, 9090)}
        denial = workload and ambient.convert(
            workload,
            next((p for p in policies if p.namespace == "foo" and not p.has_selector), None),
            next((p for p in policies if p.namespace == "istio-system"), None),
        )
        yield path.stem, recorded, {p: bool(denial and denial.denies(p)) for p in recorded}


def _golden_denies(policy: dict[str, Any] | None, port: int) -> bool:
    """Istio's node proxy: groups are alternatives, the rules of a group must all hold."""
    groups = policy["groups"] if policy else []
    return any(
        all(any(_match(m, port) for m in rule["matches"]) for rule in group["rules"])
        for group in groups
    )


def _match(match: dict[str, Any], port: int) -> bool:
    ports, other = match.get("destinationPorts"), match.get("notDestinationPorts")
    return (ports is None or port in ports) and (other is None or port not in other)


def server(folder: Path) -> Iterator[Point]:
    """Effective modes of random snapshots with many policies."""
    for snapshot in lines(folder / "random" / "server.ndjson.gz"):
        index = peerauth.index(policies_of(snapshot), root_of(snapshot), snapshot["revision"])
        for entry in kind(snapshot, "Pod", "Deployment"):
            metadata = entry["metadata"]
            name = f"{metadata['namespace']}/{entry['kind']}/{metadata['name']}"
            recorded = snapshot["modes"].get(name)
            if recorded is None:
                continue
            if entry["kind"] == "Deployment":
                metadata = {**metadata, **entry["spec"]["template"]["metadata"]}
            chain = index.chain(metadata["namespace"], metadata.get("labels", {}))
            yield f"{snapshot['id']}:{name}", recorded, _modes(chain, recorded)


def _modes(chain: peerauth.Chain, recorded: dict[str, Any]) -> dict[str, Any]:
    return {
        "other": peerauth.workload_decision(chain).mode.upper(),
        **{
            part: {p: peerauth.port_decision(chain, int(p)).mode.upper() for p in recorded[part]}
            for part in ("ports", "undeclared")
        },
    }


def whole_server(folder: Path) -> Iterator[Point]:
    """The same from the facts of the whole layer.

    Left out are snapshots of other revisions, which manifests alone do not show, and those with
    policies that the API server refuses: recorded as if they were there, for us they are not.
    """
    for snapshot in lines(folder / "random" / "server.ndjson.gz"):
        if snapshot["revision"] != "default" or snapshot.get("rejectedByValidation"):
            continue
        found = intended(snapshot["objects"], root_of(snapshot))
        for name, recorded in snapshot["modes"].items():
            ours = found[name]
            wanted = {**recorded["ports"], **recorded["undeclared"], "other": recorded["other"]}
            yield (
                f"{snapshot['id']}:{name}",
                wanted,
                {port: ours.get(port, ours["other"]) for port in wanted},
            )


def refused(folder: Path) -> Iterator[Point]:
    """Which policies of random snapshots does Istio's validation refuse?"""
    for snapshot in lines(folder / "random" / "server.ndjson.gz"):
        ours = sorted(
            f"{entry['metadata']['namespace']}/{entry['metadata']['name']}"
            for entry in kind(snapshot, "PeerAuthentication")
            if validation.problems(entry)
        )
        yield snapshot["id"], sorted(snapshot.get("rejectedByValidation", [])), ours


def validation_documents(folder: Path) -> Iterator[Point]:
    """Istio's valid and invalid documents."""
    for path in sorted((folder / "validation").glob("*.yaml")):
        for number, document in enumerate(yaml.safe_load_all(path.read_text())):
            yield f"{path.stem}-{number}", "_err" in document, bool(validation.problems(document))


def ambient_random(folder: Path) -> Iterator[Point]:
    """Attached policies and denials of random ambient snapshots."""
    for snapshot in lines(folder / "random" / "ambient.ndjson.gz"):
        index = ambient.ambient_index(policies_of(snapshot), root_of(snapshot))
        for entry in kind(snapshot, "Pod"):
            metadata = entry["metadata"]
            name = f"{metadata['namespace']}/{metadata['name']}"
            recorded = snapshot["workloads"][name]
            attached = index.attached(metadata["namespace"], metadata.get("labels", {}))
            ours = {
                "policies": attached.names(root_of(snapshot)),
                "plaintextDenied": {
                    p: attached.denies_plaintext(int(p)) for p in recorded["plaintextDenied"]
                },
            }
            kept = {key: recorded[key] for key in ours}
            kept["policies"] = sorted(kept["policies"])
            yield f"{snapshot['id']}:{name}", kept, ours


def whole_ambient_random(folder: Path) -> Iterator[Point]:
    """The same denials from the facts of the whole layer.

    Left out are snapshots with policies that the API server refuses: for us they are not there.
    """
    for snapshot in lines(folder / "random" / "ambient.ndjson.gz"):
        if any(map(validation.problems, kind(snapshot, "PeerAuthentication"))):
            continue
        found = enforced(snapshot["objects"], root_of(snapshot))
        for name, recorded in snapshot["workloads"].items():
            wanted, ours = recorded["plaintextDenied"], found[name]
            denied = {port: ours.get(port, ours["other"]) == "STRICT" for port in wanted}
            yield f"{snapshot['id']}:{name}", wanted, denied


def enrolment(folder: Path) -> Iterator[Point]:
    """Both stages of injection, and ambient's choice."""
    for snapshot in lines(folder / "random" / "enrolment.ndjson.gz"):
        namespace, pod = kind(snapshot, "Namespace")[0], kind(snapshot, "Pod")[0]
        labels = pod["metadata"].get("labels", {})
        annotations = pod["metadata"].get("annotations", {})
        host = pod["spec"].get("hostNetwork", False)
        around = namespace["metadata"].get("labels", {})
        matched = _matched(kind(snapshot, "MutatingWebhookConfiguration"), around, labels)
        required = injection.inject_required(
            injection.injector_of(snapshot["injectorConfig"]),
            namespace["metadata"]["name"],
            labels,
            annotations,
            host_network=host,
        )
        selected = injection.ambient_selected(around, labels, annotations, host_network=host)
        recorded = {
            key: snapshot[key]
            for key in ("webhooksMatched", "injectRequired", "injected", "ambientSelected")
        }
        recorded["webhooksMatched"] = sorted(recorded["webhooksMatched"])
        ours = {
            "webhooksMatched": matched,
            "injectRequired": required,
            "injected": bool(matched) and required,
            "ambientSelected": selected,
        }
        yield snapshot["id"], recorded, ours


def whole_enrolment(folder: Path) -> Iterator[Point]:
    """Where a pod ends up, from webhooks, injector, namespace and pod together.

    Left out are pods that say that they have a sidecar already: that is believed.
    """
    for snapshot in lines(folder / "random" / "enrolment.ndjson.gz"):
        pod = kind(snapshot, "Pod")[0]
        if injection.SIDECAR_STATUS in pod["metadata"].get("annotations", {}):
            continue
        ambient_too = snapshot["ambientSelected"] and pod["metadata"]["namespace"] != "kube-system"
        recorded = "sidecar" if snapshot["injected"] else "ambient" if ambient_too else "none"
        yield snapshot["id"], recorded, plane(snapshot["objects"], snapshot["injectorConfig"])


def webhook_table(folder: Path) -> Iterator[Point]:
    """The product of namespace and pod labels for seven sets of configurations."""
    for number, line in enumerate(lines(folder / "random" / "webhook_truth_table.ndjson.gz")):
        for row_number, row in enumerate(line["rows"]):
            ours = _matched(line["configurations"], row["namespaceLabels"], row["podLabels"])
            yield f"table-{number}:{row_number}", sorted(row["webhooksMatched"]), ours


def default_webhooks(folder: Path) -> Iterator[Point]:
    """Our default webhooks are those of a default installation (the first set)."""
    line = next(lines(folder / "random" / "webhook_truth_table.ndjson.gz"))
    webhooks = injection.default_webhooks([])
    for number, row in enumerate(line["rows"]):
        ours = _names(webhooks, row["namespaceLabels"], row["podLabels"])
        yield f"default-{number}", sorted(row["webhooksMatched"]), ours


def _matched(
    configurations: list[dict[str, Any]], around: dict[str, str], labels: dict[str, str]
) -> list[str]:
    webhooks = [
        webhook
        for entry in configurations
        for webhook in injection.webhooks_of(entry, entry["metadata"]["name"])
    ]
    return _names(webhooks, around, labels)


def _names(
    webhooks: list[injection.Webhook], around: dict[str, str], labels: dict[str, str]
) -> list[str]:
    return sorted(f"{w.configuration}/{w.name}" for w in webhooks if w.matches(around, labels))


def client_snapshots(folder: Path) -> Iterator[tuple[dict[str, Any], peerauth.PolicyIndex]]:
    """The snapshots of clients, each with its policies."""
    for snapshot in lines(folder / "random" / "client.ndjson.gz"):
        yield (
            snapshot,
            peerauth.index(policies_of(snapshot), root_of(snapshot), snapshot["revision"]),
        )


def client(folder: Path) -> Iterator[Point]:
    """What sidecars send: the rule in force, the socket and the mode of every endpoint."""
    for snapshot, policies in client_snapshots(folder):
        yield from clusters(snapshot, policies)


def whole_client(folder: Path) -> Iterator[Point]:
    """The same from the facts of the whole layer, where its control plane is the default one."""
    for snapshot, _ in client_snapshots(folder):
        if snapshot["revision"] == "default":
            yield from sent_to(snapshot)


def inbound(folder: Path) -> Iterator[Point]:
    """Which calls listeners let through: plaintext and mutual TLS, with HTTP and without."""
    for snapshot in lines(folder / "random" / "inbound.ndjson.gz"):
        yield from listeners(snapshot)


SUITES: dict[str, Callable[[Path], Iterator[Point]]] = {
    "istio composition": composition,
    "istio ambient composition": ambient_composition,
    "istio composition, whole layer": whole_sidecar,
    "istio ambient composition, whole layer": whole_ambient,
    "istio ambient golden pairs": golden_pairs,
    "istio validation documents": validation_documents,
    "istio random server": server,
    "istio random server, whole layer": whole_server,
    "istio random refused": refused,
    "istio random client": client,
    "istio random client, whole layer": whole_client,
    "istio random inbound": inbound,
    "istio random ambient": ambient_random,
    "istio random ambient, whole layer": whole_ambient_random,
    "istio random enrolment": enrolment,
    "istio random enrolment, whole layer": whole_enrolment,
    "istio webhook table": webhook_table,
    "istio default webhooks": default_webhooks,
    **tables.SUITES,
    **oracle.SUITES,
}
