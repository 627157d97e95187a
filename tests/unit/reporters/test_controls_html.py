# SPDX-License-Identifier: Apache-2.0
"""Does the page for auditors show every clause, its state and its evidence?"""

from __future__ import annotations

import re

from kguard.engine import controls
from kguard.reporters import Settings, render
from tests.unit.reporters import reports
from tests.unit.reporters.test_clauses import whole


def page(report, *frameworks):
    return render("controls-html", report, Settings(frameworks=frameworks))


def test_every_clause_is_there_with_its_state():
    text = page(reports.full())
    wanted = [clause.id for framework in controls.frameworks() for clause in framework.clauses]
    assert re.findall(r'<h3 id="clause-([^"]+)"', text) == wanted
    assert len(re.findall(r'<span class="state ', text)) == len(wanted)


def test_every_link_leads_to_something():
    text = page(reports.full())
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(set(ids)) == len(ids)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_chosen_frameworks_alone():
    text = page(reports.full(), "pci")
    assert "PCI DSS 4.0" in text
    assert "ISO/IEC" not in text


def test_evidence_stands_beside_the_clause_and_below():
    text = page(whole(reports.finding("network/open-to-cluster", "redis")), "cis")
    clause = text[text.index('id="clause-CIS-5.3.2"') :]
    assert "deploy/netpol.yaml:9" in clause[: clause.index("</section>")]
    assert "an empty rule admits everyone" in text


def test_text_of_the_input_is_escaped():
    assert "<script" not in page(reports.hostile())
