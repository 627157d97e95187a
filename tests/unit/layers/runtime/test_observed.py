# SPDX-License-Identifier: Apache-2.0
"""What does a metrics page prove, and whose page is it?"""

from __future__ import annotations

from hashlib import sha256

import pytest

from kguard.layers.runtime import LAYER
from kguard.layers.runtime.semantics.observed import observed
from kguard.model.manifests import BaseRules, PlainFile
from tests.unit.layers.runtime.test_facts import (
    CONFIG,
    REQUEST,
    RULE,
    config_map,
    daemonset,
    inventory,
)

A, B = "a" * 64, "B" * 64


def line(name: str, digest: str) -> str:
    labels = f'file_name="{name}",sha256="{digest}"'
    return f"falcosecurity_falco_sha256_rules_files_info{{{labels}}} 1\n"


STARTED = "falcosecurity_falco_start_timestamp_nanoseconds 1748557118881742916\n"
PAGE = (
    "# TYPE falcosecurity_falco_version_info gauge\n"
    'falcosecurity_falco_version_info{version="0.43.1"} 1\n'
    'falcosecurity_falco_kernel_release_info{kernel_release="6.1.0-13-amd64"} 1\n'
    'falcosecurity_scap_n_drops_total{evt_source="syscall"} 40\n'
    'falcosecurity_scap_n_drops_total{evt_source="other"} 2\n'
    "falcosecurity_falco_outputs_queue_num_drops_total 3\n"
)


def test_a_page():
    seen = observed(PAGE + line("falco_rules.yaml", A) + line("local.yaml", B))
    assert (seen.version, seen.kernel) == ("0.43.1", "6.1.0-13-amd64")
    assert (seen.kernel_drops, seen.queue_drops) == (42, 3)
    assert seen.rules == {"falco_rules.yaml": (A,), "local.yaml": (B.lower(),)}


def test_two_files_of_one_name():
    assert observed(line("a.yaml", B) + line("a.yaml", A)).rules == {"a.yaml": (A, B.lower())}


@pytest.mark.parametrize(
    ("page", "rules"),
    [
        ("", None),
        (PAGE, None),
        (STARTED, {}),
        (STARTED + line("a.yaml", "not a digest"), None),
        (STARTED + line("", A), None),
        (STARTED + 'falcosecurity_falco_sha256_rules_files_info{sha256="no_close 1\n', None),
        (STARTED + "falcosecurity_falco_version_info{version=} NaN\n\x00\n", {}),
    ],
)
def test_what_is_no_proof(page, rules):
    assert observed(page).rules == rules


def page_of(pod: str, text: str) -> PlainFile:
    path = f"/api/v1/namespaces/falco/pods/{pod}:8765/proxy/metrics"
    return PlainFile(path, text, "prod")


def whole(*pages: PlainFile, base: str = "", config: str = CONFIG):
    found = inventory(
        daemonset(), config_map("falco", falco__yaml=config), config_map("rules", r__yaml=RULE)
    )
    found.collected.files += pages
    if base:
        found.collected.base_rules.append(BaseRules("given/falco_rules.yaml", base))
    return LAYER.facts(found, REQUEST)


OURS = sha256(RULE.encode()).hexdigest()
BOTH = "rules_files: [/etc/falco/falco_rules.yaml, /etc/falco/rules.d]\n"
BASE = RULE.replace("shell", "other")


def test_every_pod_is_held_against_the_input():
    found = whole(
        page_of("falco-bcdfg", STARTED + line("r.yaml", OURS)),
        page_of("falco-hjklm", STARTED + line("r.yaml", A)),
        page_of("falco-npqrs", STARTED),
        page_of("other-bcdfg", STARTED + line("r.yaml", A)),
    )
    assert [(f.pod, f.file, f.state) for f in found.loaded_files] == [
        ("falco-bcdfg", "r.yaml", "same"),
        ("falco-hjklm", "r.yaml", "differs"),
        ("falco-npqrs", "r.yaml", "not_loaded"),
    ]
    assert found.installations[0].rules == "unknown"


def test_a_file_that_the_input_does_not_hold_leaves_the_rules_unknown():
    text = STARTED + line("r.yaml", OURS) + line("zz.yaml", A)
    found = whole(page_of("falco-bcdfg", text))
    assert [(f.file, f.state) for f in found.loaded_files] == [
        ("r.yaml", "same"),
        ("zz.yaml", "foreign"),
    ]
    (falco,) = found.installations
    assert (falco.rules, falco.loaded) == ("unknown", 0)
    assert "zz.yaml" in falco.reasons[0].note


def test_rules_that_the_user_names():
    (falco,) = whole(config=BOTH).installations
    assert (falco.rules, falco.base_rules) == ("unknown", "absent")
    (falco,) = whole(config=BOTH, base=BASE).installations
    assert (falco.rules, falco.base_rules, falco.loaded) == ("loads", "named", 2)


def test_named_rules_are_proved_or_refuted_by_what_runs():
    mine = sha256(BASE.encode()).hexdigest()
    proof = page_of("falco-bcdfg", STARTED + line("r.yaml", OURS) + line("falco_rules.yaml", mine))
    (falco,) = whole(proof, config=BOTH, base=BASE).installations
    assert (falco.rules, falco.base_rules) == ("loads", "proved")
    other = page_of("falco-bcdfg", STARTED + line("r.yaml", OURS) + line("falco_rules.yaml", A))
    found = whole(other, config=BOTH, base=BASE)
    (falco,) = found.installations
    assert (falco.rules, falco.base_rules) == ("unknown", "absent")
    assert {d.state for d in found.detections} == {"unknown"}


def test_the_version_that_runs_counts():
    (falco,) = whole(page_of("falco-bcdfg", PAGE)).installations
    assert (falco.version, falco.version_basis) == ("0.43.1", "running")


def test_a_page_that_proves_nothing_changes_nothing():
    found = whole(page_of("falco-bcdfg", PAGE))
    assert (found.loaded_files, found.installations[0].rules) == ([], "loads")
