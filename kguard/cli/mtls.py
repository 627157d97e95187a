# SPDX-License-Identifier: Apache-2.0
"""How does `kguard mtls` print the mode that every workload port really enforces?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import click
import msgspec

from kguard.cli.inputs import input_options, layer_facts
from kguard.cli.output import clean, write, write_rows
from kguard.model.facts.mtls import Facts, LinkerdPorts, LinkerdWorkload, Ports, Workload

MAX_PORT = 65535
_COLUMNS = ("namespace", "workload", "kind", "port", "protocol", "plane", "intended", "effective")


class Row(msgspec.Struct, frozen=True):
    """One port of one workload; modes as Istio spells them."""

    namespace: str
    workload: str
    kind: str
    port: int | str
    """A number, or `other` for every port that nothing names."""
    protocol: str
    plane: str
    intended: str
    """What PeerAuthentication says: STRICT, PERMISSIVE or DISABLE."""
    effective: str
    """What the port does: the same words, USER_TLS, GATEWAY, UNCAPTURED, NOT_ENROLLED, UNKNOWN."""
    decided_by: str


@click.group("mtls")
def command() -> None:
    """Show which mutual TLS mode each port really enforces.

    \b
    Examples:
      kguard mtls list deploy/
      kguard mtls explain shop/payments:8443 deploy/
    """


@command.command("list")
@input_options
@click.option("-o", "--output", type=click.Choice(["txt", "json"]), default="txt")
def list_(output: str, **arguments: Any) -> int:
    """List every port of every workload with its mode and what decides it.

    \b
    Examples:
      kguard mtls list deploy/
      kguard mtls list --context prod -o json
    """
    found = sorted(rows(_facts(arguments)), key=_key)
    write_rows(found, table(found), output)
    return 0


def _facts(arguments: dict[str, Any]) -> Facts:
    found: Facts = layer_facts("mtls", arguments)
    return found


def rows(facts: Facts) -> Iterator[Row]:
    """One row for each port of each workload; of one in Linkerd's mesh, what Linkerd does."""
    meshed = {workload.ref.id for workload in facts.linkerd if workload.meshed == "yes"}
    for workload in facts.workloads:
        if workload.ref.id in meshed and workload.plane in ("none", "unknown"):
            continue
        for group in workload.modes:
            for port in group.ports:
                yield _row(workload, group, port)
    for linked in facts.linkerd:
        for linked_group in linked.modes:
            for port in linked_group.ports:
                yield _linkerd_row(linked, linked_group, port)


def _linkerd_row(workload: LinkerdWorkload, group: LinkerdPorts, port: str) -> Row:
    mode = _LINKERD[group.accepts]
    return Row(
        namespace=workload.ref.namespace,
        workload=workload.ref.name,
        kind=workload.ref.kind,
        port=int(port) if port.isdecimal() else port,
        protocol="TCP",
        plane="linkerd",
        intended=mode,
        effective=mode,
        decided_by=group.decided_by,
    )


_LINKERD = {
    "nobody": "STRICT",
    "authenticated": "STRICT",
    "tls": "PERMISSIVE",
    "unauthenticated": "PERMISSIVE",
    "uncaptured": "UNCAPTURED",
    "unknown": "UNKNOWN",
}


def _row(workload: Workload, group: Ports, port: str) -> Row:
    return Row(
        namespace=workload.ref.namespace,
        workload=workload.ref.name,
        kind=workload.ref.kind,
        port=int(port) if port.isdecimal() else port,
        protocol=group.protocol,
        plane=workload.plane,
        intended=group.intended.upper(),
        effective=group.effective.upper(),
        decided_by=group.decided_by or "Istio's default",
    )


def _key(row: Row) -> tuple[str, str, str, bool, int, str]:
    other = isinstance(row.port, str)
    number = 0 if isinstance(row.port, str) else row.port
    return row.namespace, row.workload, row.kind, other, number, row.protocol


def table(found: Iterable[Row]) -> Iterator[str]:
    """The rows under aligned headings; the last column is as wide as it likes."""
    lines = [[str(getattr(row, name)) for name in _COLUMNS] for row in found]
    ends = [row.decided_by for row in found]
    if not lines:
        yield "no workload in a mesh: nothing in the input shows one"
        return
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *lines, strict=True)]
    for line, end in zip([[*_COLUMNS], *lines], ["decided by", *ends], strict=True):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        yield clean("  ".join((*cells, end)).rstrip())


@command.command("explain")
@click.argument("target")
@input_options
def explain(target: str, **arguments: Any) -> int:
    """Say why a port of a workload has its mode. TARGET is NAMESPACE/WORKLOAD[:PORT].

    \b
    Examples:
      kguard mtls explain shop/payments:8443 deploy/
      kguard mtls explain shop/payments deploy/
    """
    place, _, port = target.partition(":")
    namespace, _, name = place.rpartition("/")
    facts = _facts(arguments)
    known: list[Workload | LinkerdWorkload] = [*facts.linkerd, *facts.workloads]
    found = [
        workload
        for workload in known
        if workload.ref.name == name and namespace in ("", workload.ref.namespace)
    ]
    from kguard.errors import UsageError

    if not found:
        raise UsageError(f"no workload {place} in the input", hint="`kguard mtls list` names them")
    if port and not _possible(port):
        ports = sorted({p for w in found for g in w.modes for p in g.ports}, key=_port_key)
        hint = f"a number from 1 to {MAX_PORT} or `other`; the input names {', '.join(ports)}"
        raise UsageError(f"{port!r} is no port of {place}", hint=hint)
    lines = [line for w in found for line in (*_explained(w, port), *_calls(facts, w, port))]
    write("".join(f"{clean(line)}\n" for line in lines), "")
    return 0


def _calls(facts: Facts, workload: Workload | LinkerdWorkload, port: str) -> Iterator[str]:
    """Who is meant to call the workload, and what becomes of it."""
    if isinstance(workload, LinkerdWorkload):
        return
    for edge in facts.edges:
        if edge.server == workload.ref and port in ("", edge.port):
            sent = edge.sends.replace("_", " ")
            yield f"  {edge.client} calls port {edge.port}: sends {sent}, {_VERDICTS[edge.verdict]}"
    for caller in facts.callers:
        if (
            caller.target == workload.ref
            and port in ("", caller.port)
            and caller.kind != "workload"
        ):
            yield f"  {caller.ref} ({caller.kind}) calls port {caller.port} without mesh identity"


_VERDICTS = {"works": "works", "cut": "is refused", "unknown": "whether it works is unknown"}


def _possible(port: str) -> bool:
    """Whether a connection to the port can be thought of, be it declared or not."""
    digits = port.isascii() and port.isdecimal() and len(port) <= len(str(MAX_PORT))
    return port == "other" or (digits and 0 < int(port) <= MAX_PORT)


def _port_key(port: str) -> tuple[bool, int]:
    return (True, 0) if port == "other" else (False, int(port))


def _explained(workload: Workload | LinkerdWorkload, port: str) -> Iterator[str]:
    yield f"{workload.ref}: {_where(workload)}"
    for evidence in workload.because:
        yield f"    {evidence.note}{_place(evidence)}"
    named = any(port in group.ports for group in workload.modes)
    for group in workload.modes:
        if port and port not in group.ports and (named or "other" not in group.ports):
            continue
        yield f"  {_mode(group)}"
        for evidence in group.because:
            yield f"    {evidence.note}{_place(evidence)}"


def _where(workload: Workload | LinkerdWorkload) -> str:
    if isinstance(workload, Workload):
        assumed = (
            " (assumed)" if workload.basis == "assumed" and workload.plane != "unknown" else ""
        )
        return f"{_PLANES[workload.plane]}{assumed}"
    return "in Linkerd's mesh" if workload.meshed == "yes" else _PLANES["unknown"]


def _mode(group: Ports | LinkerdPorts) -> str:
    ports = ", ".join(group.ports)
    if isinstance(group, Ports):
        return f"{group.protocol} {ports}  {group.effective.upper()}"
    return f"TCP {ports}  {_LINKERD[group.accepts]}"


def _place(evidence: Any) -> str:
    return f"  ({evidence.ref} {evidence.pointer})" if evidence.ref else ""


_PLANES = {
    "sidecar": "in the mesh, with a sidecar",
    "ambient": "in the mesh, behind ztunnel",
    "gateway": "a gateway of the mesh",
    "waypoint": "a waypoint of the mesh",
    "none": "not in the mesh",
    "unknown": "nobody can tell from this input whether it is in the mesh",
}
