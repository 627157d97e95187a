# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard.inventory import build
from kguard.layers.manifests import LAYER
from kguard.layers.manifests.facts.ambiguities import TRAP_CLASSES
from kguard.model.layer import Request
from kguard.model.manifests import Collected, SourceText
from kguard.sources.reading import parse
from kguard.sources.yaml.documents import Trap

REQUEST = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))


def facts(**texts):
    collected = Collected()
    for name, text in texts.items():
        origin = SourceText(name.replace("__", "/") + ".yaml", 0, 1, "")
        if name.startswith("env"):
            origin.apply_set = name
        parse(text.encode(), origin, collected)
    return LAYER.facts(build(collected), REQUEST)


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {k: %s}\n"


def test_every_trap_of_the_reader_has_a_class():
    assert set(TRAP_CLASSES) == set(Trap.__args__)


def test_the_same_object_in_two_environments_is_no_contradiction():
    assert facts(env1=CONFIG % "a", env2=CONFIG % "b").duplicates == []
    assert facts(one__a=CONFIG % "a", two__a=CONFIG % "b").duplicates == []


def test_the_same_object_twice_in_one_set_is_one_unless_it_is_equal():
    (found,) = facts(a="---\n".join(CONFIG % value for value in "abb")).duplicates
    assert (found.detail, found.together) == ("3 times", "certain")
    assert [step.note for step in found.because] == [
        "is overwritten",
        "is overwritten",
        "is applied last and counts",
    ]
    assert facts(a=CONFIG % "a", b=CONFIG % "a").duplicates == []


def test_files_of_one_folder_may_be_alternatives():
    (found,) = facts(a=CONFIG % "a", b=CONFIG % "b", other__c=CONFIG % "c").duplicates
    assert (found.detail, found.together) == ("twice", "possible")
    assert [step.note for step in found.because] == [
        "one definition",
        "the last by file name: this one was judged",
    ]


def test_what_is_certain_outweighs_what_is_possible():
    (found,) = facts(a=CONFIG % "a" + "---\n" + CONFIG % "b", b=CONFIG % "c").duplicates
    assert (found.detail, found.together) == ("twice", "certain")


@pytest.mark.parametrize(("plain", "strict"), [("a", "b"), ("b", "a")])
def test_whether_a_protection_is_among_them_does_not_depend_on_file_names(plain, strict):
    rule = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\n"
        "spec:\n  host: web\n"
    )
    tls = "  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}\n"
    (found,) = facts(**{plain: rule, strict: rule + tls}).duplicates
    assert found.weight == "security"


def test_generated_names_are_never_the_same_object():
    text = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\nspec: {x: %s}\n"
    assert facts(a=text % "1", b=text % "2").duplicates == []


def test_what_a_cluster_holds_was_accepted():
    collected = Collected()
    parse(
        b"apiVersion: extensions/v1beta1\nkind: NetworkPolicy\nmetadata: {name: p}\n",
        SourceText("", 0, 1, "", cluster="prod"),
        collected,
    )
    assert LAYER.facts(build(collected), REQUEST).problems == []


def test_template_actions_in_values_are_found_but_not_in_config_maps():
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: '{{ .Values.name }}'}\n"
    assert [t.detail for t in facts(a=deployment).templates] == ["metadata.name"]
    assert facts(a=CONFIG % "'{{ .Values.x }}'").templates == []
    alert = "apiVersion: x.io/v1\nkind: Rule\nmetadata: {name: a}\ntext: '{{ $labels.pod }}'\n"
    assert facts(a=alert).templates == []


def test_nothing_read_is_no_evidence():
    empty = facts()
    assert empty.presence == "absent"
    assert LAYER.coverage(empty).state == "no_evidence"


@pytest.mark.parametrize(
    "spec", ["1", "[1]", "{ingress: 1}", "{ingress: [1, null, {from: 1}]}", "null"]
)
def test_hostile_objects_never_raise(spec):
    kinds = (
        "networking.k8s.io/v1,NetworkPolicy",
        "serving.knative.dev/v1,Service",
        "sources.knative.dev/v1,KafkaSource",
        "eventing.knative.dev/v1,Trigger",
    )
    for number, kind in enumerate(kinds):
        version, _, name = kind.partition(",")
        text = f"apiVersion: {version}\nkind: {name}\nmetadata: {{name: a{number}}}\nspec: {spec}\n"
        assert facts(a=text).objects == 1


def test_a_new_problem_of_a_protection_is_weaker():
    policy = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {%s}\n"
    )
    good, bad = facts(a=policy % "podSelector: {}"), facts(a=policy % "podselector: {}")
    assert [change.target for change in LAYER.compare(good, bad).weaker] == [
        "NetworkPolicy default/p"
    ]
    assert LAYER.compare(good, bad).stronger == ()
    assert len(LAYER.compare(bad, good).stronger) == 1
    assert LAYER.compare(bad, bad).weaker == ()
