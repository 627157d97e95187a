# SPDX-License-Identifier: Apache-2.0
"""Does an API server record anything, with which policy, and does the log survive?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

import msgspec

from kguard.layers.audit.facts.configuration import Configuration, Managed, mount_of
from kguard.layers.audit.semantics import flags as options
from kguard.layers.audit.semantics.flags import Flag
from kguard.layers.audit.semantics.version import parse_version
from kguard.model.facts import audit as model
from kguard.model.facts.common import Evidence

STDOUT = "-"
_ALIKE = (
    "audit-log-mode",
    "audit-log-path",
    "audit-policy-file",
    "audit-webhook-config-file",
    "audit-webhook-mode",
)
"""Flags that decide what is recorded and where it goes: alike on all replicas."""

_EVENTS_PER_SECOND = 4000
"""What a webhook in batch mode takes by default: 10 requests a second of 400 events."""


class Chosen(msgspec.Struct, frozen=True):
    """What is known of the policy file that a server reads."""

    state: model.PolicyState
    name: str = ""
    reason: str = ""


def server_facts(configuration: Configuration, version: str, chosen: Chosen) -> model.Server:
    """The facts of one API server."""
    if configuration.managed is not None:
        return _of_provider(configuration, configuration.managed, version)
    given = options.effective(configuration.flags)
    backend = options.backend(given)
    if backend == "none" and configuration.unsure:
        backend = "unknown"
    path = _text(given.get("audit-policy-file"))
    log = _text(given.get("audit-log-path"))
    reach = _policy_reach(configuration, path, chosen)
    recording = _recording(chosen.state, backend, reach)
    return model.Server(
        ref=configuration.ref,
        how=configuration.how,
        version=version,
        recording=recording,
        verdict=_verdict(recording, chosen.state, backend),
        backend=backend,
        policy=chosen.state,
        policy_file=path,
        policy_name=chosen.name,
        policy_reach=reach,
        log_reach=_log_reach(configuration, log),
        retention=_retention(configuration, given, version),
        losses=_losses(configuration, given, backend),
        because=_because(configuration, given, chosen),
        because_reach=_reach_evidence(configuration, given),
    )


def _of_provider(configuration: Configuration, managed: Managed, version: str) -> model.Server:
    """The facts of a server that its provider runs: only the log can be switched."""
    because = [_at(configuration, None, managed.note)]
    losses = []
    if managed.loss is not None:
        evidence = [_at(configuration, None, managed.loss_text)]
        losses = [model.Loss(managed.loss, managed.loss_text, evidence)]
    verdicts: dict[model.Recording, model.Verdict]
    verdicts = {"on": "proven-on", "off": "proven-off", "unknown": "managed-unknown"}
    return model.Server(
        ref=configuration.ref,
        how=configuration.how,
        version=version,
        recording=managed.recording,
        verdict=verdicts[managed.recording],
        backend="managed",
        policy="managed",
        policy_file="",
        policy_name="",
        policy_reach="unknown",
        log_reach="unknown",
        retention=[],
        losses=losses,
        because=because,
        because_reach=[],
    )


def _verdict(recording: model.Recording, state: str, backend: str) -> model.Verdict:
    if recording == "on":
        return "proven-on"
    if recording == "off":
        return "proven-off"
    flags = backend in ("log", "webhook", "both") and state == "unknown"
    return "policy-unknown" if flags else "unknown"


def divergences(configurations: Iterable[Configuration]) -> list[model.Divergence]:
    """Audit flags that replicas of one control plane do not have alike."""
    planes: dict[str, list[Configuration]] = {}
    for one in sorted(configurations, key=lambda found: found.ref):
        if one.replica_of:
            planes.setdefault(one.replica_of, []).append(one)
    found = []
    for first, *others in planes.values():
        for other in others:
            found += list(_differences(first, other))
    return found


def _differences(first: Configuration, other: Configuration) -> Iterator[model.Divergence]:
    left, right = options.effective(first.flags), options.effective(other.flags)
    for name in _ALIKE:
        values = [flags[name].value if name in flags else None for flags in (left, right)]
        if values[0] != values[1]:
            told = [f"{value}" if value is not None else "not given" for value in values]
            text = f"{name} is {told[1]}, but {told[0]} for {first.ref.name}"
            evidence = [_at(other, right.get(name), text), _at(first, left.get(name), text)]
            yield model.Divergence(ref=other.ref, flag=name, text=text, because=evidence)


def _recording(state: str, backend: str, reach: str) -> model.Recording:
    if state in ("absent", "invalid") or backend == "none" or reach == "missing":
        return "off"
    return "unknown" if "unknown" in (state, backend) else "on"


def _text(flag: Flag | None) -> str:
    return (flag.value or "") if flag else ""


def _at(configuration: Configuration, flag: Flag | None, note: str) -> Evidence:
    """Evidence at a flag, or where flags belong."""
    place = flag.pointer if flag and flag.pointer else configuration.place
    return Evidence(ref=configuration.id, pointer=place, note=note, line=configuration.line)


def _because(
    configuration: Configuration, given: Mapping[str, Flag], chosen: Chosen
) -> list[Evidence]:
    found = []
    policy = given.get("audit-policy-file")
    if policy is None:
        text = f"no audit-policy-file is given{_doubt(configuration)}"
    else:
        told = policy.value if policy.value is not None else "a value that is not known here"
        text = f"audit-policy-file is {told}{'; ' + chosen.reason if chosen.reason else ''}"
    found.append(_at(configuration, policy, text))
    targets = [given.get("audit-log-path"), given.get("audit-webhook-config-file")]
    found += [_at(configuration, f, f"{f.name} is {f.value}") for f in targets if f is not None]
    if not any(targets):
        text = "neither audit-log-path nor audit-webhook-config-file is given"
        found.append(_at(configuration, None, text + _doubt(configuration)))
    return found


def _doubt(configuration: Configuration) -> str:
    return f", but {configuration.unsure}" if configuration.unsure else ""


def _policy_reach(
    configuration: Configuration, path: str, chosen: Chosen
) -> Literal["mounted", "missing", "unknown"]:
    """Whether the server's container sees the policy file."""
    mounts = configuration.mounts
    if mounts is None or not path:
        return "mounted" if path else "unknown"
    if configuration.unsure or chosen.state == "absent":
        return "unknown"
    return "mounted" if mount_of(path, mounts) else "missing"


def _log_reach(
    configuration: Configuration, path: str
) -> Literal["kept", "lost", "read-only", "unknown"]:
    """Whether the log file outlives the server's container."""
    mounts = configuration.mounts
    if not path or path == STDOUT or configuration.unsure:
        return "unknown"
    if mounts is None:
        return "kept"
    mount = mount_of(path, mounts)
    if mount is None or mount.kind == "ephemeral":
        return "lost"
    if mount.kind == "unknown":
        return "unknown"
    return "read-only" if mount.read_only or mount.kind == "inline" else "kept"


def _reach_evidence(configuration: Configuration, given: Mapping[str, Flag]) -> list[Evidence]:
    found = []
    for name in ("audit-policy-file", "audit-log-path"):
        flag = given.get(name)
        if configuration.mounts is None or flag is None or not flag.value:
            continue
        if flag.value == STDOUT:
            continue
        mount = mount_of(flag.value, configuration.mounts)
        if mount is None:
            found.append(_at(configuration, flag, f"no volume is mounted at {flag.value}"))
        else:
            mode = "read-only" if mount.read_only else "writable"
            note = f"{flag.value} lies in the {mode} mount {mount.path}"
            place = mount.pointer or flag.pointer
            found.append(Evidence(ref=configuration.id, pointer=place, note=note))
    return found


def _retention(
    configuration: Configuration, given: Mapping[str, Flag], version: str
) -> list[model.Retention]:
    found = []
    for entry in options.retention(given, parse_version(version)):
        flag = given.get(entry.flag)
        state: Literal["set", "default", "unknown"] = "set" if entry.given else "default"
        if entry.value is None:
            state = "unknown"
        value = -1 if entry.value is None else entry.value
        note = f"{entry.flag} is {'given' if entry.given else 'not given'}"
        if state != "unknown":
            note = f"{note}: {value or 'no limit'}"
        found.append(
            model.Retention(
                flag=entry.flag,
                state=state,
                value=value,
                because=[_at(configuration, flag, note)],
            )
        )
    return found


def _losses(
    configuration: Configuration, given: Mapping[str, Flag], backend: str
) -> list[model.Loss]:
    found: list[model.Loss] = []

    def lost(cause: model.LossCause, flag: Flag | None, text: str) -> None:
        found.append(model.Loss(cause=cause, text=text, because=[_at(configuration, flag, text)]))

    path = given.get("audit-log-path")
    if backend == "webhook" and options.mode(given, "webhook") == "batch":
        flag = given.get("audit-webhook-mode") or given.get("audit-webhook-config-file")
        lost("webhook-batch", flag, _WEBHOOK_BATCH)
    if backend in ("log", "both") and options.mode(given, "log") == "batch":
        lost("log-batch", given.get("audit-log-mode"), _LOG_BATCH)
    if backend == "log" and _log_reach(configuration, _text(path)) == "lost":
        lost("log-not-kept", path, _NOT_KEPT)
    for kind in ("log", "webhook"):
        flag = given.get(f"audit-{kind}-truncate-enabled")
        if backend in (kind, "both") and flag and flag.value == "true":
            lost("truncated", flag, _TRUNCATED)
    return found


_WEBHOOK_BATCH = (
    "the webhook is the only backend and works in batches: while it is unreachable, or beyond "
    f"about {_EVENTS_PER_SECOND} events a second, events are dropped"
)
_LOG_BATCH = "the log is written in batches: when its buffer is full, events are dropped"
_NOT_KEPT = "the log lies in the container's own file system and vanishes when it restarts"
_TRUNCATED = "events above the maximal size lose their bodies, and are dropped if still too large"
