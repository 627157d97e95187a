# SPDX-License-Identifier: Apache-2.0
"""Does a scan leave out what the settings say, and nothing else?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard import sources
from kguard.config import Config
from kguard.config.parts import Namespaces
from kguard.engine.embedded import EmbeddedEngine
from kguard.scan import Options, scan
from tests.e2e.manifests import OPEN_WEB

SPACE = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    """``targets(name)``: what findings are about where a namespace of this name is left out."""
    file = tmp_path_factory.mktemp("in") / "a.yaml"
    file.write_text(OPEN_WEB + SPACE)
    engine = EmbeddedEngine()

    def found(*names):
        config = Config(namespaces=Namespaces(exclude=names))
        options = Options(
            at=datetime(2026, 11, 23, tzinfo=UTC), layers=("network", "manifests"), config=config
        )
        report = scan(sources.collect([str(file)]), options, engine).report
        return {str(finding.target) for finding in report.findings}

    yield found
    engine.close()


def test_a_namespace_is_left_out_with_what_it_holds(targets):
    assert targets() >= {"Deployment shop/web", "Namespace shop"}
    assert targets("shop") == set()


def test_an_object_that_is_called_as_a_namespace_is_not_left_out(targets):
    assert targets("web") == targets()


ACCEPTED = OPEN_WEB.replace(
    "namespace: shop}",
    "namespace: shop, annotations: {ignore.kguard.dev/network.open-to-cluster:"
    ' "until=2027-01-31; by=me; reason=tried"}}',
    1,
)


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """``states({policy})``: policies with the states of their findings if only these are asked."""
    file = tmp_path_factory.mktemp("in") / "a.yaml"
    file.write_text(ACCEPTED)
    engine = EmbeddedEngine()
    options = Options(at=datetime(2026, 11, 23, tzinfo=UTC), layers=("network", "manifests"))

    def found(asked=None):
        judged = scan(sources.collect([str(file)]), options, engine, asked=asked)
        return {(finding.policy, finding.state) for finding in judged.report.findings}

    yield found
    engine.close()


def test_only_the_policies_that_are_asked_find_something(states):
    accepted = ("network/open-to-cluster", "waived")
    assert accepted in states()
    assert states({"network/open-to-cluster"}) == {accepted}
    assert states(set()) == set()


def test_whether_a_waiver_is_used_is_told_by_all_policies(states):
    assert states({"manifests/waiver-unused"}) == states()
