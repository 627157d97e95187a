# SPDX-License-Identifier: Apache-2.0
"""Is there any trace of Falco in the input?

Asked first: the model of Falco's engine is loaded only where there is something to judge.
"""

from __future__ import annotations

import re

from kguard.inventory import Container, Inventory, Workload
from kguard.model.manifests import mapping, sequence

OPERATOR_GROUP = "instance.falcosecurity.dev"
ARTIFACT_GROUP = "artifact.falcosecurity.dev"
IMAGE = re.compile(r"(?:^|/)falco(?:-no-driver)?(?::([^@]+))?(?:@.*)?$")
"""Images that run Falco; the group is the tag."""

REPORT_GROUP = "wgpolicyk8s.io"
REPORT_KINDS = ("ClusterPolicyReport", "PolicyReport")
_REPORTERS = ("falco", "falcosidekick")

METRICS = "*.prom"
"""Files with the metrics page of a running Falco."""

_ITEMS = ("rule", "macro", "list", "required_engine_version", "required_plugin_versions")
_KEYS = frozenset(
    {"rules_files", "rules_file", "rules", "engine", "load_plugins", "plugins", "json_output"}
    | {"stdout_output", "syslog_output", "file_output", "http_output", "program_output", "grpc"}
    | {"grpc_output", "base_syscalls", "syscall_event_drops", "webserver", "priority"}
    | {"log_stderr", "log_level", "buffered_outputs", "watch_config_files", "rule_matching"}
)
_DOES = ("action", "actions")
_SURE = 3
"""So many of the keys make a document a falco.yaml."""


def has_traces(inventory: Inventory) -> bool:
    """Whether anything of Falco occurs: a workload, an object of its operator, a file."""
    return (
        bool(inventory.of("Falco", OPERATOR_GROUP))
        or any(_is_of_falco(document.value) for document in inventory.documents)
        or any(falco_container(workload) for workload in inventory.workloads)
        or _has_alerts(inventory)
    )


def _has_alerts(inventory: Inventory) -> bool:
    return any(
        is_alert(result)
        for kind in REPORT_KINDS
        for manifest in inventory.of(kind, REPORT_GROUP)
        for result in sequence(manifest.object.get("results"))
    )


def is_alert(result: object) -> bool:
    """Whether a result of a PolicyReport comes from Falco."""
    return str(mapping(result).get("source", "")).casefold() in _REPORTERS


def _is_of_falco(value: object) -> bool:
    return is_rules(value) or is_falco_yaml(value) or is_chart_values(value)


def falco_container(workload: Workload) -> Container | None:
    """The container that runs Falco, if one does."""
    for container in workload.containers:
        if container.role == "container" and IMAGE.search(container.image):
            return container
    return None


def is_rules(value: object) -> bool:
    """Whether a document is a Falco rules file: a sequence with items that Falco knows."""
    if is_responses(value):
        return False
    return isinstance(value, list) and any(
        isinstance(item, dict) and any(key in item for key in _ITEMS) for item in value
    )


def is_responses(value: object) -> bool:
    """Whether a document holds rules of Falco Talon: what is done when an alert comes."""
    return isinstance(value, list) and any(
        isinstance(item, dict)
        and ("actionner" in item or ("match" in item and not item.keys().isdisjoint(_DOES)))
        for item in value
    )


def is_falco_yaml(value: object) -> bool:
    """Whether a document is a falco.yaml, judged by its keys."""
    return isinstance(value, dict) and len(_KEYS & value.keys()) >= _SURE


def is_chart_values(value: object) -> bool:
    """Whether a document is a values file of Falco's chart."""
    if not isinstance(value, dict):
        return False
    beside = {"customRules", "driver", "falcoctl", "collectors", "falcosidekick"} & value.keys()
    rules = value.get("customRules")
    return isinstance(rules, dict) or (isinstance(value.get("falco"), dict) and bool(beside))
