# SPDX-License-Identifier: Apache-2.0
"""Is a change of the images called better or worse for the right reason?"""

from __future__ import annotations

import pytest

from kguard.layers.images.compare import compare
from kguard.model.facts.images import EvidenceFact, Facts, ImageUse
from kguard.model.manifests import ObjectRef


def _facts(**changes):
    values = {
        "ref": ObjectRef("v1", "Pod", "shop", "app"),
        "container": "app",
        "role": "container",
        "image": "app:1.0.0",
        "label": "app:1.0.0",
        "placeholder": "false",
        "pointer": "/spec/containers/0/image",
        "manifest": "Pod/shop/app",
        "reference": "index.docker.io/library/app",
        "registry": "index.docker.io",
        "digest": "",
        "how": "unresolved",
        "mutability": "version_tag",
        "signature": "verified",
        "signature_reason": "",
        "signer": "",
        "issuer": "",
        "format": "",
        "location": "",
        "attestations": [],
        "enforcement": "warn_only",
        "enforcer": "kyverno",
        "visible": "true",
        "visible_because": [],
        "decided_by": "",
        "rule": "",
        "origin": "manifest",
        "running": [],
        "alike": "unknown",
        "moved": "unknown",
        "moved_to": "",
        "because": [],
        "running_because": [],
        "signature_because": [],
        "enforcement_because": [],
    }
    use = ImageUse(**{**values, **changes})
    evidence = EvidenceFact("none", 0, [], {}, [], [])
    return Facts("app", "present", [], evidence, [use], [], [], [])


@pytest.mark.parametrize(
    "changes",
    [
        {"mutability": "digest"},
        {"enforcement": "enforced"},
        {"enforcement": "fail_open"},
    ],
)
def test_better_and_back(changes):
    there, back = (
        compare(_facts(), _facts(**changes)),
        compare(_facts(**changes), _facts()),
    )
    assert (len(there.stronger), len(there.weaker)) == (1, 0)
    assert (len(back.stronger), len(back.weaker)) == (0, 1)


@pytest.mark.parametrize(
    "changes",
    [{}, {"signature": "not_evaluated"}, {"enforcement": "unknown"}, {"mutability": "unknown"}],
)
def test_what_is_unknown_is_not_compared(changes):
    found = compare(_facts(), _facts(**changes))
    assert not found.stronger
    assert not found.weaker


def test_a_lost_signature_is_weaker():
    (change,) = compare(_facts(), _facts(signature="unsigned")).weaker
    assert change.text == "container app: its signature is unsigned, was verified"
