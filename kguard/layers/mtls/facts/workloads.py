# SPDX-License-Identifier: Apache-2.0
"""What does each port of each workload accept, and which object decides that?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.inventory.mesh import Enrolment
from kguard.layers.mtls.facts.argument import argument, level_of, mode_of, title_of
from kguard.layers.mtls.facts.captured import capture_evidence, capture_settings
from kguard.layers.mtls.facts.exemptions import Exemption, exemption
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics import capture, peerauth
from kguard.layers.mtls.semantics.ambient import Attached, is_known
from kguard.layers.mtls.semantics.peerauth import Chain
from kguard.layers.mtls.semantics.upstream import TLS_MODE_LABEL
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer

OTHER = "other"


class _Port(msgspec.Struct, frozen=True, order=True):
    """A port that is judged on its own; number 0 stands for every other port."""

    number: int
    protocol: str
    listener: Literal["seen", "not_seen"] = "seen"


class _Fate(msgspec.Struct, frozen=True):
    """Everything about a port but its number; ports with equal fate are grouped."""

    protocol: str
    listener: Literal["seen", "not_seen"]
    intended: model.Mode
    effective: model.Effective
    decided_at: model.DecidedAt
    decided_by: str
    gap: model.Gap
    caller: Literal["any", "apiserver"]
    divergence: Literal["none", "fail_open", "over_strict"]
    exemption: Exemption
    because: tuple[Evidence, ...]


def workload_facts(view: View, workload: Workload) -> model.Workload:
    """The facts about one workload."""
    enrolment = view.enrolment(workload)
    judge = _Judge(view, workload, enrolment)
    return model.Workload(
        ref=workload.ref,
        role=view.role(workload),
        plane=enrolment.plane,
        basis=enrolment.basis,
        reason=enrolment.reason,
        tls_label="istio" if workload.labels.get(TLS_MODE_LABEL, "istio") == "istio" else "off",
        inherited=mode_of(
            peerauth.workload_decision(Chain(judge.chain.mesh, judge.chain.namespace))
        ),
        serves=judge.serves(),
        intended=mode_of(peerauth.workload_decision(judge.chain)),
        modes=judge.groups(),
        because=[*_tls_label(workload), *enrolment.because],
    )


def _tls_label(workload: Workload) -> Iterator[Evidence]:
    value = workload.labels.get(TLS_MODE_LABEL, "istio")
    if value != "istio":
        where = workload.pod_metadata_pointer + pointer("labels", TLS_MODE_LABEL)
        yield Evidence(workload.id, where, f"pod label {TLS_MODE_LABEL}={value}")


class _Judge:
    """Decides about the ports of one workload."""

    def __init__(self, view: View, workload: Workload, enrolment: Enrolment) -> None:
        self.view, self.workload, self.enrolment = view, workload, enrolment
        revision = view.revision(workload.namespace, workload.labels)
        self.chain = view.index(revision).chain(workload.namespace, workload.labels)
        self.api_ports = view.api_ports(workload)
        self.settings = capture_settings(view, workload)
        labels = workload.pod_metadata_pointer + "/labels"
        self.subject = (workload.id, labels if workload.labels else "/metadata/name")
        self.attached: Attached | None = None
        if enrolment.plane == "ambient":
            self.attached = view.ambient.attached(workload.namespace, workload.labels)

    def groups(self) -> list[model.Ports]:
        """The ports, grouped by their fate, in the order of their lowest number."""
        found: dict[_Fate, list[int]] = {}
        for port in self._ports():
            found.setdefault(self._fate(port), []).append(port.number)
        listed = sorted(
            found.items(), key=lambda item: (min(n or _LAST for n in item[1]), item[0].protocol)
        )
        return [_group(fate, numbers) for fate, numbers in listed]

    def serves(self) -> Literal["ports", "apiserver", "nothing"]:
        """For whom its TCP ports are (declared, or led to by Services), the proxy's left aside."""
        declared = {p.number for p in self.workload.ports if p.protocol == "TCP"}
        declared |= self._served
        declared -= capture.PROXY_PORTS
        if declared - self.api_ports.keys():
            return "ports"
        return "apiserver" if declared else "nothing"

    def _ports(self) -> list[_Port]:
        workload = self.workload
        seen = {(port.number, port.protocol) for port in workload.ports}
        seen |= {(number, "TCP") for number in self._served}
        named = {(number, "TCP") for number in self._named()}
        if not seen:
            seen, named = named, set()
        guessed = [_Port(number, protocol, "not_seen") for number, protocol in named - seen]
        return sorted([_Port(0, "TCP"), *(_Port(*port) for port in seen), *guessed])

    @cached_property
    def _served(self) -> set[int]:
        """Ports to which Services lead, declared by a container or not."""
        found = set(self.api_ports)
        for service in self.view.services_of(self.workload):
            for port in service.ports:
                if port.protocol == "TCP":
                    found.update(service.targets(port, self.workload))
        return found

    def _named(self) -> set[int]:
        """Ports that policy or annotations name, whether anything listens there or not."""
        excluded = capture.ports(self.settings.get(capture.EXCLUDE, ""))
        return {*excluded, *(self.chain.workload.ports if self.chain.workload else ())}

    def _fate(self, port: _Port) -> _Fate:
        decision = peerauth.port_decision(self.chain, port.number)
        caller = self._caller(port.number, decision)
        fate = _Fate(
            protocol=port.protocol,
            listener=port.listener,
            intended=mode_of(decision),
            effective=mode_of(decision),
            decided_at=level_of(decision, self.view.root),
            decided_by=title_of(decision),
            gap="none",
            caller="apiserver" if caller else "any",
            divergence="none",
            exemption=exemption(self.view, decision, port.number),
            because=argument(decision, self.chain, port.number, self.view.root, self.subject),
        )
        if caller:
            fate = msgspec.structs.replace(fate, because=(*fate.because, caller))
        return self._on_plane(fate, port)

    def _caller(self, number: int, decision: peerauth.Decision) -> Evidence | None:
        """Why the API server is taken to call the port, which it does without mesh identity."""
        if number in self.api_ports:
            note = "the API server calls this port, without any mesh identity"
            return Evidence(self.api_ports[number], "", note, "related")
        policy = decision.decided_by
        if decision.at_port and policy and policy.id in self.view.shipped:
            note = "shipped with Knative's Istio integration: the API server calls this webhook"
            return Evidence(policy.id, "/metadata/labels", note, "related")
        return None

    def _on_plane(self, fate: _Fate, port: _Port) -> _Fate:
        plane = self.enrolment.plane
        if plane in ("none", "unknown", "gateway"):
            return self._without_policy(fate)
        if plane == "waypoint":
            why = (Evidence(self.workload.id, "", "a waypoint accepts HBONE only"),)
            return _replaced(fate, "strict", "plane", "waypoint", why)
        gap = capture.gap(plane, self.settings, port.number or None, port.protocol)
        if gap != "none":
            return msgspec.structs.replace(
                _replaced(fate, "uncaptured", "plane", _GAPS[gap], (self._gap_evidence(gap),)),
                gap=gap,
            )
        if self.view.unread:
            note = f"PeerAuthentications could not be read: {self.view.unread}"
            return _replaced(fate, "unknown", "plane", note, (Evidence("", "", note),))
        if self.attached:
            return self._in_ambient(fate, port, self.attached)
        return self._user_tls(fate, port) if fate.effective == "disable" else fate

    def _without_policy(self, fate: _Fate) -> _Fate:
        effective = _BY_PLANE[self.enrolment.plane]
        because = self.enrolment.because
        note = because[0].note if because else ""
        return _replaced(fate, effective, "plane", note, ())

    def _gap_evidence(self, gap: capture.Gap) -> Evidence:
        annotation = capture.annotation_of(gap)
        if not annotation:
            return Evidence("", "", _GAPS[gap])
        return capture_evidence(self.view, self.workload, annotation, _GAPS[gap])

    def _in_ambient(self, fate: _Fate, port: _Port, attached: Attached) -> _Fate:
        strict = attached.denies_plaintext(port.number)
        alike = strict == (fate.intended == "strict")
        ports = self.chain.workload is not None and self.chain.workload.ports
        if (ports or not alike) and not is_known(self.view.istio):
            note = f"what Istio {self.view.inventory.value('istio')} makes of this in ambient"
            return _replaced(fate, "unknown", "plane", f"{note} is not known", fate.because)
        if alike:
            effective: model.Effective = "strict" if strict else "permissive"
            return msgspec.structs.replace(fate, effective=effective)
        note = (
            "ztunnel denies plaintext here although the policy exempts the port"
            if strict
            else "ztunnel accepts plaintext here although the policy says STRICT"
        )
        changed = _replaced(
            fate,
            "strict" if strict else "permissive",
            fate.decided_at,
            fate.decided_by,
            (*fate.because, Evidence("", "", note)),
        )
        return msgspec.structs.replace(changed, divergence="over_strict" if strict else "fail_open")

    def _user_tls(self, fate: _Fate, port: _Port) -> _Fate:
        """TLS that the sidecar ends itself; istiod leaves it out unless it is told otherwise."""
        if self.view.control_plane.get(_USER_TLS) != "true":
            return fate
        sidecar = self.view.sidecar(self.workload)
        place = sidecar.tls.get(port.number) if sidecar else None
        if sidecar is None or place is None:
            return fate
        note = f"Sidecar {sidecar.name} ends TLS of its own here, without mesh identity"
        why = Evidence(sidecar.id, pointer("spec", "ingress", place, "tls"), note)
        title = f"Sidecar {sidecar.namespace}/{sidecar.name}"
        return _replaced(fate, "user_tls", "plane", title, (why,))


_USER_TLS = "ENABLE_TLS_ON_SIDECAR_INGRESS"
_LAST = 1 << 17
_BY_PLANE: dict[str, model.Effective] = {
    "none": "not_enrolled",
    "unknown": "unknown",
    "gateway": "gateway",
}
_GAPS: dict[str, str] = {
    "protocol": "only TCP passes the proxy",
    "proxy_port": "a port of the sidecar itself, plaintext by design",
    "excluded": "the port is taken out of the sidecar's reach",
    "not_included": "the sidecar captures other ports only",
    "interception": "the sidecar intercepts nothing",
    "bypass": "inbound traffic bypasses ztunnel",
}


def _group(fate: _Fate, numbers: Collection[int]) -> model.Ports:
    named = sorted(number for number in numbers if number)
    return model.Ports(
        ports=[*(str(number) for number in named), *([OTHER] if 0 in numbers else [])],
        protocol=fate.protocol,
        listener=fate.listener,
        intended=fate.intended,
        effective=fate.effective,
        decided_at=fate.decided_at,
        decided_by=fate.decided_by,
        gap=fate.gap,
        caller=fate.caller,
        divergence=fate.divergence,
        exemption=fate.exemption.state,
        until=fate.exemption.until,
        because=list(fate.because),
    )


def _replaced(
    fate: _Fate,
    effective: model.Effective,
    decided_at: model.DecidedAt,
    decided_by: str,
    because: tuple[Evidence, ...],
) -> _Fate:
    return msgspec.structs.replace(
        fate,
        effective=effective,
        decided_at=decided_at,
        decided_by=decided_by,
        because=because,
    )
