# SPDX-License-Identifier: Apache-2.0
"""How does a gateway stop serving plaintext? By redirecting to the TLS server that it has."""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.facts.view import NETWORKING
from kguard.layers.mtls.remedy.policies import manifest_of
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.manifests import Manifest, mapping, sequence
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest

_TLS = ("tls", "mutual")


def redirect_http(request: RemedyRequest) -> Iterator[Proposal]:
    """Redirect where the same Gateway serves the same hosts with TLS."""
    for finding in request.findings:
        yield _redirect(request, finding)


def _redirect(request: RemedyRequest, finding: Finding) -> Proposal:
    facts: model.Facts = request.facts
    mine = [server for server in facts.gateways if server.ref.id == finding.target.id]
    server = next((s for s in mine if s.server == finding.path), None)
    manifest = manifest_of(request.inventory, finding.target)
    if server is None or manifest is None:
        return Cannot((finding.fingerprint,), "the gateway is not in the input")
    covered = _hosts(manifest, [s for s in mine if s.accepts in _TLS])
    wanted = _hosts(manifest, [server])
    if manifest.group != NETWORKING or server.protocol != "HTTP" or not wanted <= covered:
        reason = "no server of the gateway ends TLS for its hosts"
        return Cannot((finding.fingerprint,), reason, "give it a certificate first")
    if request.stage != "enforce":
        reason = f"the stage {request.stage} changes nothing for clients"
        return Cannot((finding.fingerprint,), reason, "run again with --stage enforce")
    place = server.because[0].pointer
    operation = Operation("add", f"{place}/tls", {"httpsRedirect": True})
    why = f"port {server.port} redirects to the server with TLS for the same hosts"
    return Edit(manifest.id, (operation,), (finding.fingerprint,), why)


def _hosts(manifest: Manifest, servers: list[model.GatewayServer]) -> set[str]:
    numbers = {int(server.because[0].pointer.rpartition("/")[2]) for server in servers}
    return {
        str(host)
        for number, entry in enumerate(sequence(manifest.spec.get("servers")))
        if number in numbers
        for host in sequence(mapping(entry).get("hosts"))
    }
