# SPDX-License-Identifier: Apache-2.0
"""Does a live scan read one cluster and nothing else?"""

from __future__ import annotations

import pytest

from kguard import sources
from kguard.cli.inputs import collect
from kguard.config import Config
from kguard.errors import UsageError
from kguard.model.manifests import Collected


@pytest.mark.parametrize(
    ("inputs", "contexts"), [((), ("a", "b")), (("deploy",), ("a",)), ((), ())]
)
def test_clusters_and_files_are_not_mixed(inputs, contexts):
    with pytest.raises(UsageError):
        collect({"inputs": inputs, "contexts": contexts}, Config())


def test_configured_inputs_are_not_read_beside_a_cluster(monkeypatch):
    asked = []

    def read(inputs, options):
        asked.append((list(inputs), options.contexts))
        return Collected()

    monkeypatch.setattr(sources, "collect", read)
    monkeypatch.setattr("kguard.layers.NAMES", ())
    collect({"inputs": (), "contexts": ("prod",)}, Config(inputs=("deploy",)))
    assert asked == [([], ("prod",))]
