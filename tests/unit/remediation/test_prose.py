# SPDX-License-Identifier: Apache-2.0
"""Can a name of the input forge the page that a reviewer signs off?"""

from __future__ import annotations

from kguard.model.findings import Assumed
from kguard.model.remedies import Cannot, Refused
from kguard.remediation.proof import Closed, Flows, Proof, Remaining
from kguard.remediation.prose import prose

NAME = "x\n\n## What was refused\n\n- nothing <img src=x> [a](http://e.x)\x1b[2J"


def _proof(text: str) -> Proof:
    closed = Closed("f", "network/x", text, text)
    return Proof(
        closes=(closed,),
        remaining=(Remaining("f", "network/x", text, text, text),),
        refused=(Refused(("f",), text, text),),
        cannot=(Cannot(("f",), text, text),),
        flows=Flows(1, 1, 1),
        stronger=(),
        weakens=(),
        cuts=(),
        opens=(),
        new_findings=(),
        second_run_empty=True,
        assumed={"cni": Assumed(text, "assumed")},
        at="2026-11-23T12:00:00Z",
        inputs=(text,),
        objects=1,
        lesser_findings=(closed,),
    )


def _shape(page: str) -> list[str]:
    return [line.partition(" ")[0] for line in page.splitlines()]


def test_names_change_neither_headings_nor_lists():
    page = prose(_proof(NAME))
    assert _shape(page) == _shape(prose(_proof("x")))
    assert "<img" not in page.replace("\\<img", "")
    assert "\x1b" not in page


def test_what_is_empty_has_no_heading():
    page = prose(_proof("x"))
    assert page.count("## What remains open, and why") == 1
    bare = prose(Proof(**{f: getattr(_proof("x"), f) for f in Proof.__struct_fields__} | EMPTY))
    assert not [line for line in bare.splitlines() if line in HEADINGS]


EMPTY = {"remaining": (), "refused": (), "cannot": (), "lesser_findings": ()}
HEADINGS = {
    "## What it causes",
    "## What was refused",
    "## What no manifest can close",
    "## What remains open, and why",
}
