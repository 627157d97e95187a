# SPDX-License-Identifier: Apache-2.0
"""Does evidence about a file inside a ConfigMap point to its line?"""

from __future__ import annotations

import pytest

from kguard.inventory import build
from kguard.inventory.places import Places
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Collected, Manifest, SourceText

CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: rules
data:
  a.yaml: |
    first
    second
  b.yaml: "first\\nsecond"
"""


@pytest.fixture
def places() -> Places:
    data = {"a.yaml": "first\nsecond\n", "b.yaml": "first\nsecond"}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rules"}, "data": data}
    text = SourceText("map.yaml", 0, 11, CONFIG_MAP)
    return Places(build(Collected(manifests=[Manifest(made, text)])))


def test_a_line_of_a_block(places):
    evidence = Evidence("ConfigMap/default/rules", "/data/a.yaml", "note", line=2)
    quote, place = places.quote(evidence)
    assert place is not None
    assert (place.line, quote.text.strip()) == (18, "second")


def test_a_line_of_a_quoted_text_is_the_line_of_its_key(places):
    quote, _ = places.quote(Evidence("ConfigMap/default/rules", "/data/b.yaml", "note", line=2))
    assert (quote.line, quote.text.strip()[:7]) == (19, "b.yaml:")
