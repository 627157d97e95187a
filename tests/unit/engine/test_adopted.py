# SPDX-License-Identifier: Apache-2.0
"""Do policies of conftest and Gatekeeper say of manifests what they say at home?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kguard.engine import own
from kguard.engine.embedded import EmbeddedEngine
from kguard.engine.embedded.policy_tests import run
from kguard.errors import ConfigError, PolicyError
from kguard.sources import yaml
from tests.unit.engine.adopted import DATA, EXPECTED, FOLDERS, judged, rows

TEMPLATE = """apiVersion: templates.gatekeeper.sh/v1
kind: ConstraintTemplate
metadata: {name: anything}
spec:
  crd: {spec: {names: {kind: Anything}}}
  targets:
    - target: admission.k8s.gatekeeper.sh
      rego: |
        package anything
        violation[{"msg": "no"}] { true }
"""
CONSTRAINT = """apiVersion: constraints.gatekeeper.sh/v1beta1
kind: Anything
metadata: {name: all}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n"


@pytest.fixture(scope="module")
def report():
    return _judged()


def _judged(*arguments):
    engine = EmbeddedEngine()
    try:
        return judged(engine, *arguments)
    finally:
        engine.close()


def _folder(tmp_path, **files):
    folder = tmp_path / "mine"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (folder / f"{stem}.{suffix}").write_text(text)
    source = tmp_path / "pod.yaml"
    source.write_text(POD)
    return (str(folder),), source


def test_every_rule_of_both_tools_is_a_policy(report):
    found = [(p.removeprefix("manifests/"), s, t, m) for p, s, _, t, m in rows(report)]
    assert [row[:3] for row in found] == [row[:3] for row in EXPECTED]
    assert all(m.startswith(e[3]) for (*_, m), e in zip(found, EXPECTED, strict=True))
    assert report.complete


def test_details_are_evidence_and_the_object_is_quoted(report):
    labels = next(f for f in report.findings if f.policy == "manifests/teamlabels-owner")
    assert labels.evidence[0].note == '{"missing":["owner"]}'
    assert labels.locations[0].line == 18


def test_whether_a_constraint_applies_may_be_unknown(report):
    (doubt,) = (f for f in report.findings if f.state == "unknown")
    assert (doubt.policy, doubt.target.name) == ("manifests/teamlabels-cost-center", "cart")


def test_fingerprints_survive_other_files_and_orders(report, tmp_path):
    text = (DATA / "input" / "shop.yaml").read_text()
    (tmp_path / "other.yaml").write_text("---\n".join(reversed(text.split("---\n"))))
    again = _judged(FOLDERS, tmp_path / "other.yaml")
    assert {f.fingerprint for f in again.findings} == {f.fingerprint for f in report.findings}


def test_tests_in_the_old_syntax_are_run():
    assert [outcome.problem for outcome in run(DATA / "conftest")] == ["", ""]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('deny[m] { http.send({"url": input.u}); m := "a" }', r"2: `http.send` asks a server"),
        ('deny[m] { external_data({"provider": "p"}); m := "a" }', "an external data provider"),
        ('deny[m] { input.review.userInfo.username == "x"; m := "a" }', "which user makes"),
        ('deny[m] { data.allowed[_] == input.kind; m := "a" }', "nothing in the folder defines"),
        ('deny[m] { input[i].contents.kind == "Pod"; m := "a" }', "conftest --combine"),
        ('deny = "a" { input.kind }', "`deny` is no set of messages"),
        ("violation[m] { m := input.review.object[input.parameters.x] }", "give the Constraint"),
        (
            'violation[m] { input.review.resource.resource == "pods"; m := "a" }',
            "this of the request",
        ),
    ],
)
def test_what_no_scan_has_is_refused_and_never_no_findings(tmp_path, text, reason):
    found = _judged(*_folder(tmp_path, bad_rego=f"package main\n{text}\n"))
    (problem,) = found.incomplete
    assert reason in problem.reason
    assert problem.source.startswith("policy manifests/main-")
    assert not found.complete


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("deny[1] { true }", "returned a finding of the wrong shape"),
        ('deny[{"message": "a"}] { true }', "returned a finding of the wrong shape"),
        ("deny[m] { m := undefined_function(1) }", "undefined_function"),
        ("deny[m] { m := }", "main.rego:2"),
    ],
)
def test_a_rule_that_fails_is_named_and_the_others_stay(tmp_path, rule, reason):
    other = 'package other\ndeny[m] { m := "found" }\n'
    files = {"main_rego": f"package main\n{rule}\n", "other_rego": other}
    found = _judged(*_folder(tmp_path, **files))
    assert [f.message for f in found.findings] == ["found"]
    assert [(i.source, reason in i.reason) for i in found.incomplete] == [
        ("policy manifests/main-deny", True)
    ]


def test_an_object_on_which_a_rule_fails_is_undecided_and_the_others_stay(tmp_path):
    rule = 'package main\ndeny["old"] { to_number(input.metadata.labels.version) < 3 }\n'
    folders, source = _folder(tmp_path, main_rego=rule)
    pods = [
        f"{POD}---\n".replace("name: p}", f"name: p{n}, labels: {{version: '{v}'}}}}")
        for n, v in enumerate(["1", "4", "two", "2", "5", "x"])
    ]
    source.write_text("".join(pods))
    found = _judged(folders, source)
    assert [(f.target.name, f.state) for f in found.findings] == [
        ("p0", "open"),
        ("p2", "unknown"),
        ("p3", "open"),
        ("p5", "unknown"),
    ]
    assert "main.rego" in found.findings[1].message
    assert found.complete


@pytest.mark.parametrize(
    ("constraint", "reason"),
    [
        (CONSTRAINT.replace("Anything", "Other"), "there is no ConstraintTemplate of kind Other"),
        (CONSTRAINT + "spec: {match: {operations: [CREATE]}}\n", "`match.operations` is not known"),
        (CONSTRAINT + "spec: {match: {source: Generated}}\n", "what Gatekeeper expands"),
        (CONSTRAINT + "spec: {match: {labelSelector: [a]}}\n", "must be an object"),
        (CONSTRAINT + "spec: {enforcementAction: audit}\n", "enforcementAction audit"),
    ],
)
def test_constraints_that_cannot_be_followed_are_named(tmp_path, constraint, reason):
    found = _judged(*_folder(tmp_path, t_yaml=TEMPLATE, c_yaml=constraint))
    assert [reason in entry.reason for entry in found.incomplete] == [True]


def test_a_template_without_constraint_judges_nothing_and_says_so(tmp_path):
    found = _judged(*_folder(tmp_path, t_yaml=TEMPLATE))
    assert [entry.reason for entry in found.not_evaluated] == [
        "no Constraint of kind Anything is given: nothing is judged by it"
    ]


def test_a_constraint_for_everything_judges_everything(tmp_path):
    found = _judged(*_folder(tmp_path, t_yaml=TEMPLATE, c_yaml=CONSTRAINT))
    assert [(f.policy, f.message) for f in found.findings] == [("manifests/anything-all", "no")]


def test_objects_of_one_list_stay_apart(tmp_path):
    """Also where all of them stand in one line."""
    objects = [
        _json(text.replace("Anything", kind).replace("anything", kind.lower()).replace('"no"', no))
        for kind, no in (("One", '"one"'), ("Two", '"two"'))
        for text in (TEMPLATE, CONSTRAINT)
    ]
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    found = _judged(*_folder(tmp_path, t_json=listed))
    assert [(f.policy, f.message) for f in found.findings] == [
        ("manifests/one-all", "one"),
        ("manifests/two-all", "two"),
    ]
    assert found.complete


def _json(text):
    (document,) = yaml.load(text.encode())
    return document.value


def test_a_broken_object_of_a_list_is_an_error_with_its_place(tmp_path):
    listed = "apiVersion: v1\nkind: List\nitems:\n- kind: [constraints.gatekeeper.sh]\n"
    folders, _ = _folder(tmp_path, t_yaml=listed)
    with pytest.raises(PolicyError) as caught:
        own.read([Path(folders[0])])
    assert caught.value.where.endswith("t.yaml:4:3")


def test_names_that_give_one_id_are_named(tmp_path):
    names = ("a.b", "a-b")
    both = "---\n".join(CONSTRAINT.replace("name: all", f"name: {name}") for name in names)
    found = _judged(*_folder(tmp_path, t_yaml=TEMPLATE, c_yaml=both))
    assert [f.policy for f in found.findings] == ["manifests/anything-a-b"]
    assert ["is that of" in entry.reason for entry in found.incomplete] == [True]


@pytest.mark.parametrize(
    ("named", "left"),
    [("root", ["manifests/main-deny"]), ("deny_root", ["manifests/main-deny-root"])],
)
def test_exceptions_name_rules_without_their_first_word(tmp_path, named, left):
    """`deny` alone is excepted by its whole name."""
    text = f"""package main
deny[m] {{ m := "a" }}
deny_root[m] {{ m := "b" }}
exception[rules] {{ rules := ["{named}"] }}
exception[rules] {{ "{named}" != "root"; rules := ["deny"] }}
"""
    found = _judged(*_folder(tmp_path, main_rego=text))
    assert [f.policy for f in found.findings] == left


@pytest.mark.parametrize(("written", "found"), [("{}", ["manifests/anything-all"]), ("", [])])
def test_defaults_are_filled_into_parameters_that_are_there(tmp_path, written, found):
    """As the API server does: it makes no `parameters` of its own."""
    schema = "{openAPIV3Schema: {type: object, properties: {x: {default: 1}}}}"
    template = TEMPLATE.replace("{kind: Anything}}", f"{{kind: Anything}}, validation: {schema}}}")
    template = template.replace("{ true }", "{ input.parameters.x == 1 }")
    spec = f"spec: {{parameters: {written}}}\n" if written else ""
    judged_ = _judged(*_folder(tmp_path, t_yaml=template, c_yaml=CONSTRAINT + spec))
    assert [f.policy for f in judged_.findings] == found
    assert judged_.complete


def test_a_broken_template_is_an_error_with_its_place(tmp_path):
    folders, _ = _folder(tmp_path, t_yaml=TEMPLATE.replace("metadata: {", "metadata: [{"))
    with pytest.raises(PolicyError) as caught:
        own.read([Path(folders[0])])
    assert "t.yaml:" in caught.value.where


def test_one_name_for_two_constraints_is_an_error(tmp_path):
    other = CONSTRAINT + "spec: {parameters: {a: 1}}\n"
    folders, _ = _folder(tmp_path, t_yaml=TEMPLATE, c_yaml=CONSTRAINT, d_yaml=other)
    with pytest.raises(PolicyError, match="Anything all is defined twice"):
        own.read([Path(folders[0])])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("package kguard.network.x\ndeny contains x if { x := 1 }\n", "no METADATA"),
        ("package p\ndeny contains x if { some x in input.workloads }\n", "no METADATA"),
    ],
)
def test_a_policy_of_kguard_without_metadata_is_no_rule_of_conftest(tmp_path, text, problem):
    (tmp_path / "mine.rego").write_text(text)
    with pytest.raises(PolicyError, match=problem):
        own.read([tmp_path])


def test_a_folder_without_rules_is_an_error(tmp_path):
    (tmp_path / "lib.rego").write_text("package lib\nx := 1\n")
    with pytest.raises(ConfigError, match="holds no policy"):
        own.read([tmp_path])
