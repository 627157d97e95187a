# SPDX-License-Identifier: Apache-2.0
"""Does `kguard audit` answer in the promised form?"""

from __future__ import annotations

import gzip
import json

import pytest

from kguard.cli.audit import command
from kguard.errors import SourceError, UsageError

POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: None
  users: [jane]
- level: Request
  omitStages: [RequestReceived]
  resources:
  - group: "*"
    resources: [pods]
"""


def _evaluate(tmp_path, capsys, lines, *options, policy=POLICY):
    (tmp_path / "policy.yaml").write_text(policy)
    (tmp_path / "requests.ndjson").write_text("".join(f"{line}\n" for line in lines))
    arguments = ["eval", "--policy", str(tmp_path / "policy.yaml"), *options]
    code = command.main([*arguments, str(tmp_path / "requests.ndjson")], standalone_mode=False)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_decisions_come_in_order(tmp_path, capsys):
    asked = [
        {"user": "jane", "verb": "get", "resource": "pods"},
        {"user": "joe", "groups": ["dev"], "verb": "get", "resource": "pods"},
        {"user": None, "verb": "get", "resourceRequest": False, "path": "/healthz"},
    ]
    code, rows = _evaluate(tmp_path, capsys, [json.dumps(entry) for entry in asked])
    assert code == 0
    assert rows == [
        {"level": "None", "omitStages": [], "omitManagedFields": False, "rule": 0},
        {
            "level": "Request",
            "omitStages": ["RequestReceived"],
            "omitManagedFields": False,
            "rule": 1,
        },
        {"level": "None", "omitStages": [], "omitManagedFields": False, "rule": None},
    ]


def test_a_policy_that_the_server_refuses(tmp_path, capsys):
    with pytest.raises(UsageError, match=r"group \"\*\" is only valid from Kubernetes 1.36"):
        _evaluate(tmp_path, capsys, [], "--kube-version", "1.35")
    with pytest.raises(UsageError, match="no rules"):
        _evaluate(tmp_path, capsys, [], policy="apiVersion: audit.k8s.io/v1\nkind: Policy\n")


def test_mistakes_are_named_with_their_place(tmp_path, capsys):
    with pytest.raises(UsageError, match="is no request") as caught:
        _evaluate(tmp_path, capsys, ["", '{"user": 5}'])
    assert caught.value.where.endswith("requests.ndjson:2")
    with pytest.raises(UsageError, match="is no version"):
        _evaluate(tmp_path, capsys, [], "--kube-version", "latest")
    with pytest.raises(SourceError, match="cannot be read"):
        command.main(["eval", "--policy", str(tmp_path / "x"), "-"], standalone_mode=False)


def _event(stage, level, **more):
    event = {
        "auditID": "a",
        "stage": stage,
        "level": level,
        "verb": "get",
        "user": {"username": "joe", "groups": ["dev"]},
        "requestURI": "/api/v1/namespaces/shop/pods/web",
        "requestReceivedTimestamp": "2026-01-01T00:00:01.000000Z",
        "stageTimestamp": "2026-01-01T00:00:01.000000Z",
        **more,
    }
    return json.dumps(event)


def _replay(tmp_path, capsys, lines, policy=POLICY):
    (tmp_path / "policy.yaml").write_text(policy)
    (tmp_path / "audit.log.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    arguments = ["--policy", str(tmp_path / "policy.yaml"), "--log", str(tmp_path / "audit.log.gz")]
    code = command.main(["replay", *arguments], standalone_mode=False)
    return code, capsys.readouterr().out


def test_a_log_of_the_policy(tmp_path, capsys):
    code, told = _replay(tmp_path, capsys, [_event("ResponseComplete", "Request")])
    assert code == 0
    assert told.startswith("1 events, all explained by")


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (_event("ResponseComplete", "Metadata"), "records it at Request, the log holds Metadata"),
        (_event("RequestReceived", "Request"), "leaves RequestReceived out"),
        (_event("ResponseComplete", "Request", user={"username": "jane"}), "records it at None"),
    ],
)
def test_a_log_of_another_policy(tmp_path, capsys, event, reason):
    code, told = _replay(tmp_path, capsys, [event])
    assert code == 1
    assert reason in told


def test_a_stage_that_is_missing_contradicts(tmp_path, capsys):
    policy = POLICY.replace("  omitStages: [RequestReceived]\n", "")
    first = _event("RequestReceived", "Request")
    later = _event("ResponseComplete", "Request", auditID="b", requestReceivedTimestamp="2026-02")
    assert _replay(tmp_path, capsys, [first, later], policy)[0] == 1
    done = _event("ResponseComplete", "Request", requestReceivedTimestamp="2026-02")
    assert _replay(tmp_path, capsys, [first, done], policy)[0] == 0


def test_a_replay_as_json(tmp_path, capsys):
    (tmp_path / "policy.yaml").write_text(POLICY)
    uri = "/api/v1/namespaces/shop/pods/web/exec?command=id"
    (tmp_path / "audit.log").write_text(_event("ResponseComplete", "None", requestURI=uri))
    arguments = ["--policy", str(tmp_path / "policy.yaml"), "--log", str(tmp_path / "audit.log")]
    assert command.main(["replay", *arguments, "-o", "json"], standalone_mode=False) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["events"], told["contradicted"]) == (
        "kguard/audit-replay/v1",
        1,
        0,
    )
    assert [(found["kind"], found["count"]) for found in told["activities"]] == [("session", 1)]


HEAD = "apiVersion: audit.k8s.io/v1\nkind: Policy\n"
BAD = {
    "wrong group": (f"{HEAD}rules: [{{level: Metadata, resources: [{{group: a/v1}}]}}]", "a/v1"),
    "no rules": (f"{HEAD}rules: []", "the policy has no rules"),
    "empty": ("", "the document is empty"),
    "binary": (b"\x7fELF\xff\x00", "it is not UTF-8"),
    "another kind": (f"{HEAD}rules: 5", "rules is not a list"),
    "no level": (f"{HEAD}rules: [{{users: [a]}}]", "the rule has no level"),
    "broken": (f"{HEAD}rules: [", "did not find"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_policy_is_one_sentence(tmp_path, name):
    content, told = BAD[name]
    path = tmp_path / "policy.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError) as caught:
        command.main(["eval", "--policy", str(path), "-"], standalone_mode=False)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_ignored_field_is_named(tmp_path, capsys):
    path = tmp_path / "policy.yaml"
    path.write_text(f"{HEAD}rules:\n- level: Metadata\n  verb: [get]\n  level: None\n")
    (tmp_path / "none").write_text("")
    assert command.main(["eval", "--policy", str(path), str(tmp_path / "none")], **_PLAIN) == 0
    told = capsys.readouterr().err
    assert "verb at /rules/0/verb is no field: the API server ignores it" in told
    assert "/rules/0/level stands twice" in told


def test_a_policy_of_50000_rules_is_left_open(tmp_path, capsys):
    rules = "".join(f"- {{level: None, users: [u{n}], verbs: [create]}}\n" for n in range(50_000))
    (tmp_path / "policy.yaml").write_text(f"{HEAD}rules:\n{rules}- level: Metadata\n")
    assert command.main(["coverage", str(tmp_path / "policy.yaml")], **_PLAIN) == 0
    told = capsys.readouterr().out
    assert "too large to be judged in every respect: it has more than 1,000 rules" in told
    assert "HOLE" not in told


_PLAIN = {"standalone_mode": False}


def test_coverage_says_who_escapes_by_which_rule(tmp_path, capsys):
    text = """apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {level: None, userGroups: ["system:masters"]}
- {level: Metadata, omitStages: [ResponseComplete], resources: [{resources: [secrets]}]}
"""
    (tmp_path / "policy.yaml").write_text(text)
    assert command.main(["coverage", str(tmp_path / "policy.yaml")], **_PLAIN) == 0
    said = capsys.readouterr().out
    reads = said.partition("secret_reads")[2].partition("token_requests")[0]
    assert [line.strip() for line in reads.splitlines()[1:-1]] == [
        (
            "get secrets web in namespace team-a by jane@example.com (system:masters):"
            " None for groups system:masters"
        ),
        (
            "get secrets web in namespace team-a by jane@example.com:"
            " Metadata for resources secrets, which leaves the response out"
        ),
    ]
    assert "by jane@example.com: no rule" in said
