# SPDX-License-Identifier: Apache-2.0
"""Does the indexed composition say what a literal reading of the rules says, and do laws hold?"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kguard.layers.mtls.semantics import ambient
from kguard.layers.mtls.semantics.peerauth import (
    PeerAuthentication,
    index,
    parse,
    port_decision,
)
from kguard.layers.mtls.semantics.validation import problems

ROOT = "root"
MODES = ["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]
LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy"), max_size=2)
MTLS = st.none() | st.sampled_from(MODES).map(lambda mode: {"mode": mode})
PORTS = st.dictionaries(st.sampled_from(["80", "443"]), MTLS, max_size=2)


@st.composite
def policies(draw: Any) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for number in range(draw(st.integers(0, 6))):
        spec: dict[str, Any] = {"mtls": draw(MTLS), "portLevelMtls": draw(PORTS)}
        chosen = draw(st.none() | LABELS)
        if chosen is not None:
            spec["selector"] = {"matchLabels": chosen}
        day = draw(st.integers(1, 3))
        metadata = {"name": f"p{number}", "creationTimestamp": f"2026-01-0{day}T00:00:00Z"}
        namespace = draw(st.sampled_from([ROOT, "shop", "data"]))
        found.append((namespace, {"metadata": metadata, "spec": spec}))
    return found


def naive(
    given_policies: list[tuple[str, dict[str, Any]]],
    namespace: str,
    labels: dict[str, str],
    port: int,
) -> str:
    """The rules as the documentation of istiod's code reads, without any index."""
    chosen: dict[str, Any] = {}
    ordered = sorted(
        given_policies,
        key=lambda entry: (entry[1]["metadata"]["creationTimestamp"], entry[1]["metadata"]["name"]),
    )
    for place, policy in ordered:
        selector = (policy["spec"].get("selector") or {}).get("matchLabels") or {}
        if place == ROOT and not selector:
            chosen.setdefault("mesh", policy)
        elif place == namespace != ROOT and not selector:
            chosen.setdefault("namespace", policy)
        elif place == namespace != ROOT and selector.items() <= labels.items():
            chosen.setdefault("workload", policy)
    mode = "PERMISSIVE"
    for scope in ("mesh", "namespace", "workload"):
        said = ((chosen.get(scope) or {"spec": {}})["spec"].get("mtls") or {}).get("mode", "UNSET")
        mode = mode if said == "UNSET" else said
    own = (chosen.get("workload") or {"spec": {}})["spec"].get("portLevelMtls", {})
    said = (own.get(str(port)) or {}).get("mode", "UNSET")
    return mode if said == "UNSET" else said


def parsed(given_policies: list[tuple[str, dict[str, Any]]]) -> list[PeerAuthentication]:
    return [parse(namespace, value) for namespace, value in given_policies]


@settings(deadline=None)
@given(policies(), st.sampled_from([ROOT, "shop"]), LABELS, st.sampled_from([80, 443, 9]))
def test_index_is_the_naive_reading(
    given_policies: list[tuple[str, dict[str, Any]]],
    namespace: str,
    labels: dict[str, str],
    port: int,
) -> None:
    chain = index(parsed(given_policies), ROOT).chain(namespace, labels)
    ours = port_decision(chain, port).mode.upper()
    assert ours == naive(given_policies, namespace, labels, port)


@settings(deadline=None)
@given(policies(), st.permutations(range(6)), LABELS)
def test_order_of_policies_does_not_matter(
    given_policies: list[tuple[str, dict[str, Any]]], order: list[int], labels: dict[str, str]
) -> None:
    shuffled = [given_policies[n] for n in order if n < len(given_policies)]
    before, after = (
        index(parsed(entries), ROOT).chain("shop", labels) for entries in (given_policies, shuffled)
    )
    for port in (80, 443, 9):
        assert port_decision(before, port).mode == port_decision(after, port).mode


@settings(deadline=None)
@given(policies(), LABELS)
def test_policies_of_other_namespaces_change_nothing(
    given_policies: list[tuple[str, dict[str, Any]]], labels: dict[str, str]
) -> None:
    mine = [entry for entry in given_policies if entry[0] != "data"]
    for port in (80, 9):
        modes = {
            port_decision(index(parsed(entries), ROOT).chain("shop", labels), port).mode
            for entries in (given_policies, mine)
        }
        assert len(modes) == 1


@settings(deadline=None)
@given(policies(), LABELS)
def test_ambient_without_ports_and_empty_selectors_is_the_sidecar(
    given_policies: list[tuple[str, dict[str, Any]]], labels: dict[str, str]
) -> None:
    plain: list[tuple[str, dict[str, Any]]] = []
    for number, (namespace, value) in enumerate(given_policies):
        spec = {k: v for k, v in value["spec"].items() if k != "portLevelMtls"}
        if not (spec.get("selector") or {"matchLabels": {"a": "x"}})["matchLabels"]:
            spec.pop("selector")
        day = {"creationTimestamp": f"2026-01-0{number + 1}T00:00:00Z"}
        plain.append((namespace, {"metadata": {**value["metadata"], **day}, "spec": spec}))
    chain = index(parsed(plain), ROOT).chain("shop", labels)
    denied = ambient.ambient_index(parsed(plain), ROOT).attached("shop", labels)
    assert denied.denies_plaintext(80) == (port_decision(chain, 80).mode == "strict")


WORDS = st.text(alphabet="aS*/1-", max_size=4)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["spec", "metadata", "selector", "matchLabels", "mtls", "mode"])
            | WORDS,
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["spec", "metadata", "x"]), JSON))
def test_junk_is_read_and_judged_without_an_error(value: dict[str, Any]) -> None:
    assert parse("shop", value).mode in ("unset", "disable", "permissive", "strict")
    assert isinstance(problems(value), list)
