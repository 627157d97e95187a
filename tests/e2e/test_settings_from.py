# SPDX-License-Identifier: Apache-2.0
"""Can a change switch off its own check?"""

from __future__ import annotations

import json

import pytest

from tests.e2e.manifests import LATEST_WEB, OPEN_WEB
from tests.repositories import commit, git

WAIVER = "  # kguard: ignore[images/mutable-tag] until=2999-01-01 by=me it is fine\n"
ACCEPTED = LATEST_WEB.replace("    spec: {containers", f"{WAIVER}    spec: {{containers")
ANNOTATION = 'ignore.kguard.dev/images.mutable-tag: "until=2999-01-01; by=me; reason=fine"'
ANNOTATED = LATEST_WEB.replace(
    "namespace: shop}", f"namespace: shop, annotations: {{{ANNOTATION}}}}}"
)
OFF = "policies: {images/mutable-tag: {enabled: false}}\n"


@pytest.fixture
def repository(tmp_path):
    """A repository whose main branch has the workload and nothing else."""
    folder = tmp_path / "repository"
    (folder / "deploy").mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, {"deploy/web.yaml": LATEST_WEB})
    return folder


def _states(kguard, folder, *arguments):
    done = kguard("scan", "deploy", "-o", "json", *arguments, cwd=folder)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["findings"]
    return {entry["policy"]: entry["state"] for entry in found}


@pytest.mark.parametrize(
    "change",
    [
        {"kguard.yaml": OFF},
        {"deploy/kguard.yaml": OFF},
        {"kguard.yaml": "namespaces: {exclude: [shop]}\n"},
        {"kguard.yaml": "exclude: [deploy/**]\n"},
        {"deploy/.kguardignore": "web.yaml\n"},
        {"deploy/.gitignore": "web.yaml\n"},
        {"deploy/web.yaml": ACCEPTED},
        {"deploy/web.yaml": ANNOTATED},
        {
            "kguard.yaml": "waivers: w.yaml\n",
            "w.yaml": "waivers: [{policy: images/*, target: {name: web}, by: me,"
            " until: 2999-01-01, reason: fine}]\n",
        },
    ],
    ids=lambda change: " ".join(change) if isinstance(change, dict) else None,
)
def test_what_a_change_brings_does_not_count(kguard, repository, change):
    commit(repository, change)
    assert _states(kguard, repository).get("images/mutable-tag") != "open"
    kept = _states(kguard, repository, "--settings-from", "HEAD~1")
    assert kept["images/mutable-tag"] == "open"


@pytest.mark.parametrize(
    ("settings", "state"),
    [
        ({"kguard.yaml": OFF}, None),
        ({"deploy/web.yaml": ACCEPTED}, "waived"),
        ({"deploy/web.yaml": ANNOTATED}, "waived"),
    ],
    ids=["settings", "comment", "annotation"],
)
def test_what_was_there_before_counts(kguard, repository, settings, state):
    commit(repository, settings)
    moved = (repository / "deploy" / "web.yaml").read_text()
    (repository / "deploy" / "web.yaml").unlink()
    other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: shop}\n---"
    commit(repository, {"deploy/moved.yaml": other + moved, "kguard.yaml": "layers: [network]\n"})
    found = _states(kguard, repository, "--settings-from", "HEAD~1")
    assert found.get("images/mutable-tag") == state
    assert "manifests/waiver-unapproved" not in found


def test_a_waiver_that_is_carried_to_another_object_does_not_count(kguard, repository):
    commit(repository, {"deploy/web.yaml": ACCEPTED})
    second = LATEST_WEB.replace("name: web, namespace", "name: second, namespace")
    carried = ACCEPTED.replace("name: web, namespace", "name: second, namespace")
    assert second != LATEST_WEB
    commit(repository, {"deploy/second.yaml": carried})
    done = kguard("scan", "deploy", "-o", "json", "--settings-from", "HEAD~1", cwd=repository)
    found = json.loads(done.stdout)["findings"]
    states = {f["target"]["name"]: f["state"] for f in found if f["policy"] == "images/mutable-tag"}
    assert states == {"web": "waived", "second": "open"}
    assert "manifests/waiver-unapproved" in {f["policy"] for f in found}


def test_a_baseline_is_that_of_the_revision(kguard, repository):
    done = kguard("scan", "deploy", "-o", "json", cwd=repository)
    commit(repository, {"known.json": done.stdout})
    arguments = ("--settings-from", "HEAD~1", "--baseline", "known.json")
    assert _states(kguard, repository, *arguments)["images/mutable-tag"] == "open"
    commit(repository, {"known.json": '{"findings": []}'})
    assert _states(kguard, repository, *arguments)["images/mutable-tag"] == "baseline"


def test_a_revision_that_a_shallow_clone_lacks_ends_the_scan(kguard, repository):
    done = kguard("scan", "deploy", "--settings-from", "a" * 40, cwd=repository)
    assert done.returncode == 3
    assert "fetch-depth: 0" in done.stderr
    assert "Traceback" not in done.stderr


EXEMPTED = (
    """apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: web
  namespace: shop
  annotations: {%s}
spec:
  selector: {matchLabels: {app: web}}
  mtls: {mode: STRICT}
  portLevelMtls: {"8080": {mode: PERMISSIVE}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
"""
    + OPEN_WEB
)
EXCEPTION = 'exception.kguard.dev/8080: "until=2999-01-01; reason=a job without a sidecar"'


def test_an_exemption_that_a_change_brings_weighs_as_any(kguard, repository):
    commit(repository, {"deploy/web.yaml": EXEMPTED % ""})
    commit(repository, {"deploy/web.yaml": EXEMPTED % EXCEPTION})

    def severity(*arguments):
        done = kguard("scan", "deploy", "-o", "json", *arguments, cwd=repository)
        found = json.loads(done.stdout)["findings"]
        return [f["severity"] for f in found if f["policy"] == "mtls/port-exception"]

    own, before, after = (
        severity(),
        severity("--settings-from", "HEAD~1"),
        severity("--settings-from", "HEAD"),
    )
    assert len(before) == 1
    assert own == after != before


SECOND = LATEST_WEB.replace("name: web, namespace", "name: second, namespace")


@pytest.mark.parametrize("more", [(), ("--settings-from", "HEAD~1")], ids=["own", "base"])
def test_a_revision_is_a_baseline(kguard, repository, more):
    (repository / "deploy" / "web.yaml").rename(repository / "deploy" / "moved.yaml")
    commit(repository, {"deploy/second.yaml": SECOND})
    arguments = ("--baseline", "rev:HEAD~1", "--fail-on-new", "--fail-on", "low", *more)
    done = kguard("scan", "deploy", "-o", "json", *arguments, cwd=repository)
    found = json.loads(done.stdout)["findings"]
    states = {f["target"]["name"]: f["state"] for f in found if f["policy"] == "images/mutable-tag"}
    assert states == {"web": "baseline", "second": "open"}
    assert done.returncode == 1
    commit(repository, {})
    done = kguard("scan", "deploy", "-o", "json", *arguments, cwd=repository)
    assert done.returncode == 0, done.stderr


def test_a_folder_that_is_new_has_no_baseline(kguard, repository):
    (repository / "more").mkdir()
    commit(repository, {"more/second.yaml": SECOND})
    done = kguard("scan", "more", "-o", "json", "--baseline", "rev:HEAD~1", cwd=repository)
    found = json.loads(done.stdout)["findings"]
    assert {f["state"] for f in found} == {"open"}


def test_what_a_glob_names_has_a_baseline(kguard, repository):
    commit(repository, {"deploy/second.yaml": SECOND, "deploy/third.txt": "no manifest"})
    arguments = ("--baseline", "rev:HEAD~1", "--settings-from", "HEAD~1", "-o", "json")
    done = kguard("scan", "deploy/*.yaml", *arguments, cwd=repository)
    found = json.loads(done.stdout)["findings"]
    states = {f["target"]["name"]: f["state"] for f in found if f["policy"] == "images/mutable-tag"}
    assert states == {"web": "baseline", "second": "open"}


@pytest.mark.parametrize("option", ["--baseline=rev:HEAD~1", "--settings-from=HEAD~1"])
def test_a_clone_without_the_files_of_the_revision_ends_the_scan(
    kguard, repository, tmp_path, option
):
    commit(repository, {"deploy/web.yaml": SECOND})
    git(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--filter=blob:none", repository.as_uri(), str(clone))
    done = kguard("scan", "deploy", option, "--fail-on-new", cwd=clone)
    assert done.returncode == 3
    assert "fetch without `--filter`" in done.stderr
    assert not done.stdout


SETTINGS = {
    "set/kguard.yaml": "waivers: more/w.yaml\npolicy-dirs: [own]\nfail-on: low\n",
    "set/more/w.yaml": "waivers: [{policy: images/mutable-tag, target: {name: web}, by: me,"
    " until: 2999-01-01, reason: fine}]\n",
    "set/own/p.rego": 'package own\n\ndeny contains "no" if input.kind == "Deployment"\n',
}


def test_what_the_settings_of_the_revision_name_is_read_there(kguard, repository):
    for name in SETTINGS:
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
    commit(repository, SETTINGS)
    commit(repository, dict.fromkeys(SETTINGS, ""))
    arguments = ("--config", "set/kguard.yaml", "--settings-from", "HEAD~1")
    found = _states(kguard, repository, *arguments)
    assert found["images/mutable-tag"] == "waived"
    assert found["manifests/own-deny"] == "open"


def test_a_baseline_that_is_no_revision_ends_the_scan(kguard, repository):
    done = kguard("scan", "deploy", "--baseline", "rev:nowhere", cwd=repository)
    assert done.returncode == 3
    assert "git knows no revision 'nowhere'" in done.stderr


DENY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""


@pytest.mark.parametrize("more", [(), ("--settings-from", "HEAD~1")], ids=["own", "base"])
@pytest.mark.parametrize("place", [".", "deploy"])
def test_a_file_that_is_no_longer_listed_is_gone(kguard, repository, more, place):
    listed = "resources: [web.yaml, deny.yaml]\n"
    commit(repository, {"deploy/deny.yaml": DENY, "deploy/kustomization.yaml": listed})
    commit(repository, {"deploy/kustomization.yaml": "resources: [web.yaml]\n"})
    arguments = ("--baseline", "rev:HEAD~1", "--fail-on=low", "--fail-on-new", "-o", "json", *more)
    done = kguard("scan", ".", *arguments, cwd=repository / place)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    new = {f["policy"] for f in report["findings"] if f["state"] == "open"}
    assert "network/no-default-deny" in new
    assert [e["reason"] for e in report["not_evaluated"]] == [
        "no kustomization lists it any longer"
    ]
    own = kguard("scan", ".", "-o", "json", cwd=repository / place)
    states = {f["policy"]: f["state"] for f in json.loads(own.stdout)["findings"]}
    assert states["manifests/unlisted-file"] == "unknown"
    assert "network/no-default-deny" not in states
