# SPDX-License-Identifier: Apache-2.0
"""Are several clusters judged each by itself, and told apart in every report?"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kguard import history, reporters, sources
from kguard.cli import kguard
from kguard.cli.fleet import _Run
from kguard.errors import ClusterError, UsageError
from kguard.fleet import Member, table
from kguard.model.clusters import Cell, ClusterRow
from kguard.sources import cluster, snapshot

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: web, image: "registry.example/web:latest"}}]}}
"""


def collected(tmp_path, name):
    file = tmp_path / f"{name}.yaml"
    file.write_text(WEB.format(name=name))
    return sources.collect([str(file)])


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Snapshots of the clusters `east`, `north` and `west`, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("east", "north", "west"):
        data = snapshot.write(
            collected(tmp_path, "cart" if name == "north" else "web"),
            name,
            datetime(2026, 11, 30, tzinfo=UTC),
        )
        (tmp_path / f"{name}.kguard.gz").write_bytes(data)
    return tmp_path


EAST, NORTH, WEST = (
    "--snapshot=east.kguard.gz",
    "--snapshot=north.kguard.gz",
    "--snapshot=west.kguard.gz",
)
NIGHT = "--at=2026-11-30T03:00:00Z"


def scan(*words) -> int:
    arguments = ["scan", "--layer=network", "--fail-on=medium", NIGHT, "-q", *words]
    return kguard.main(arguments, prog_name="kguard", standalone_mode=False)


def report(path="all.json"):
    return json.loads(Path(path).read_bytes())


def identities(document, cluster):
    return [f["fingerprint"] for f in document["findings"] if f["target"].get("cluster") == cluster]


def test_each_cluster_is_judged_as_if_it_were_alone(fleet):
    assert scan(EAST, WEST, NORTH, "-o", "json=all.json") == 1
    together = report()
    assert [row["name"] for row in together["clusters"]] == ["east", "north", "west"]
    for word, name in ((EAST, "east"), (NORTH, "north"), (WEST, "west")):
        scan(word, "-o", f"json={name}.json")
        alone = report(f"{name}.json")
        assert identities(together, name) == [f["fingerprint"] for f in alone["findings"]]
    assert identities(together, "east") == identities(together, "west")
    assert identities(together, "east") != identities(together, "north")


def test_the_order_of_the_clusters_is_irrelevant(fleet):
    scan(EAST, WEST, "-o", "json=one.json", "-o", "html=one.html")
    scan(WEST, EAST, "-o", "json=two.json", "-o", "html=two.html")
    assert (fleet / "one.json").read_bytes() == (fleet / "two.json").read_bytes()
    assert (fleet / "one.html").read_bytes() == (fleet / "two.html").read_bytes()


def test_every_format_shows_the_findings_of_all(fleet):
    formats = (
        "sarif",
        "junit",
        "markdown",
        "gitlab-quality",
        "gitlab-sast",
        "prometheus",
        "terminal",
    )
    words = [word for name in formats for word in ("-o", f"{name}=all.{name}")]
    scan(EAST, WEST, *words, "-o", "json=all.json")
    count = len(report()["findings"])
    assert len(report("all.sarif")["runs"][0]["results"]) == count
    assert len({issue["fingerprint"] for issue in report("all.gitlab-quality")}) == count
    assert len({issue["id"] for issue in report("all.gitlab-sast")["vulnerabilities"]}) == count
    assert (fleet / "all.junit").read_text().count("<failure") == count
    assert f"{count} findings" in (fleet / "all.terminal").read_text()
    for name in ("east", "west"):
        assert f"{name}: " in (fleet / "all.markdown").read_text()
        assert f"{name}: " in (fleet / "all.terminal").read_text()


def test_lines_for_log_shippers_leave_cluster_by_cluster(fleet, capsys, monkeypatch):
    kept = []
    plain = _Run.take

    def take(run, outcome):
        plain(run, outcome)
        kept.append(len(run.reports[-1].findings))

    monkeypatch.setattr(_Run, "take", take)
    scan(EAST, NORTH, "-o", "json=all.json")
    assert min(kept) > 0
    kept.clear()
    capsys.readouterr()
    scan(EAST, NORTH, "-o", "jsonl")
    assert kept == [0, 0]  # nothing is held for the end
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    whole = [line for line in lines if line["event"] == "kguard.scan"]
    assert [line["cluster"] for line in whole] == ["east", "north"]
    told = Counter(line["cluster"] for line in lines if line["event"] == "kguard.finding")
    assert told == Counter(f["target"]["cluster"] for f in report()["findings"])
    assert told == {line["cluster"]: sum(line["findings"].values()) for line in whole}
    assert [line["cluster"] for line in lines] == sorted(line["cluster"] for line in lines)


def test_a_folder_gets_a_file_for_each_cluster(fleet):
    scan(EAST, NORTH, "-o", "html=out/pages/", "-o", "openreports=out/reports/", "-o", "json=out/")
    found = sorted(str(p.relative_to(fleet / "out")) for p in (fleet / "out").rglob("*.*"))
    assert found == [
        "east.json",
        "north.json",
        *(f"pages/{name}.html" for name in ("east", "index", "north")),
        "reports/east.openreports.json",
        "reports/north.openreports.json",
    ]
    index = (fleet / "out" / "pages" / "index.html").read_text()
    assert 'href="east.html"' in index
    assert 'href="north.html"' in index
    count = len(report("out/east.json")["findings"] + report("out/north.json")["findings"])
    assert f"{count} findings" in index


def _samples(path):
    """The value of each series, by name and labels; no two are alike, as collectors demand."""
    found = {}
    for line in Path(path).read_text().splitlines():
        if not line.startswith("#"):
            name, labels, value = re.fullmatch(r"(\w+){(.*)} (\d+)", line).groups()
            key = name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))
            assert key not in found
            found[key] = int(value)
    return found


def test_metrics_name_their_cluster(fleet):
    (fleet / "west.kguard.gz").write_bytes(b"\x1f\x8b no snapshot")
    words = ("-o", "prometheus=all.prom", "-o", "prometheus=out/", "-o", "json=all.json")
    scan(EAST, NORTH, WEST, *words)
    together = _samples("all.prom")
    apart = [_samples(path) for path in sorted((fleet / "out").glob("*.prom"))]
    assert {key: value for one in apart for key, value in one.items()} == together
    assert sum(len(one) for one in apart) == len(together)
    names = {"east", "north", "west.kguard.gz"}
    assert {dict(labels)["cluster"] for _, labels in together} == names
    state = frozenset({"cluster": "west.kguard.gz", "layer": "network", "state": "unknown"}.items())
    assert together["kguard_layer_state", state] == 1
    counted = Counter()
    for (name, labels), value in together.items():
        if name == "kguard_findings":
            counted[dict(labels)["cluster"]] += value
        if name in ("kguard_scan_complete", "kguard_scan_incomplete"):
            broken = dict(labels)["cluster"] == "west.kguard.gz"
            assert value == (broken if name.endswith("incomplete") else not broken)
    assert counted == Counter(f["target"]["cluster"] for f in report()["findings"])


def test_reports_for_one_cluster_are_not_mixed(fleet):
    with pytest.raises(UsageError, match="openreports is for one cluster"):
        scan(EAST, NORTH, "-o", "openreports=all.json")


def test_one_cluster_that_fails_leaves_the_others(fleet):
    (fleet / "north.kguard.gz").write_bytes(b"\x1f\x8b no snapshot")
    assert scan(EAST, NORTH, WEST, "--fail-on=none", "-o", "json=all.json", "-o", "html=out/") == 3
    document = report()
    assert document["complete"] is False
    (reason,) = document["incomplete"]
    assert reason["source"] == "north.kguard.gz: north.kguard.gz:1"
    assert identities(document, "east")
    assert identities(document, "west")
    rows = {row["name"]: row for row in document["clusters"]}
    assert rows["north.kguard.gz"]["layers"]["network"]["state"] == "unknown"
    assert document["coverage"]["network"]["state"] == "unknown"
    assert "this is no snapshot" in (fleet / "out" / "index.html").read_text()
    assert scan(EAST, NORTH, "--fail-on=none", "--allow-incomplete", "-o", "json=x.json") == 0


def test_a_bug_on_one_cluster_leaves_the_others(fleet, monkeypatch):
    def broken(context, **options):
        if context == "north":
            raise ZeroDivisionError
        if context == "west":
            raise ClusterError("the API server does not answer", where="context west")
        return collected(fleet, "web")

    monkeypatch.setattr(cluster, "read", broken)
    monkeypatch.setattr(cluster, "contexts", lambda: ["east", "north", "west"])
    assert scan("--all-contexts", "--fail-on=none", "-o", "json=all.json") == 3
    reasons = [(entry["source"], entry["reason"]) for entry in report()["incomplete"]]
    assert reasons == [
        ("north: north", "this is a bug in kguard: ZeroDivisionError: "),
        ("west: context west", "the API server does not answer"),
    ]
    assert identities(report(), "east")


def test_a_context_that_is_not_there_is_told_before_anything_is_read(fleet, monkeypatch):
    monkeypatch.setattr(cluster, "contexts", lambda: ["east"])
    with pytest.raises(UsageError, match="no such context") as error:
        scan("--context=east", "--context=wst")
    assert error.value.where == "context wst"


def test_the_history_keeps_each_under_its_name(fleet):
    scan(EAST, NORTH, "--history=audits.db", "-o", "json=all.json")
    scan(EAST, NORTH, "--history=audits.db", "--at=2026-12-01T03:00:00Z", "-o", "html=all.html")
    with history.opened("audits.db") as store:
        audits = [
            (audit.subject, audit.at[:10], audit.opened > 0) for audit in history.audits(store)
        ]
    assert audits == [
        ("east", "2026-11-30", True),
        ("east", "2026-12-01", False),
        ("north", "2026-11-30", True),
        ("north", "2026-12-01", False),
    ]
    assert "since 2026-11-30" in (fleet / "all.html").read_text()


def test_a_single_snapshot_has_the_same_name_in_the_history(fleet):
    scan(EAST, "--history=audits.db", "-o", "json=one.json")
    with history.opened("audits.db") as store:
        assert [audit.subject for audit in history.audits(store)] == ["east"]


def test_a_baseline_speaks_of_its_own_cluster(fleet):
    scan(EAST, NORTH, "-o", "json=known.json")
    assert scan(EAST, WEST, "--baseline=known.json", "--fail-on-new", "-o", "json=all.json") == 1
    states = {(f["target"]["cluster"], f["state"]) for f in report()["findings"]}
    assert states == {("east", "baseline"), ("west", "open")}
    scan(EAST, WEST, "-o", "json=known.json")
    assert scan(EAST, WEST, "--baseline=known.json", "--fail-on-new", "-o", "json=all.json") == 0
    assert scan(WEST, "--baseline=known.json", "--fail-on-new", "-o", "json=all.json") == 0


def test_two_clusters_of_one_name_are_refused(fleet):
    shutil.copy(fleet / "east.kguard.gz", fleet / "copy.kguard.gz")
    with pytest.raises(UsageError, match="2 clusters are called east"):
        scan(EAST, "--snapshot=copy.kguard.gz")


def test_files_beside_several_clusters_are_refused(fleet):
    with pytest.raises(UsageError, match="one cluster, or files"):
        scan(EAST, WEST, "east.yaml")
    with pytest.raises(UsageError, match="--subject names one cluster"):
        scan(EAST, WEST, "--subject=prod", "--history=audits.db")
    with pytest.raises(UsageError, match="--changes is for files"):
        scan(EAST, WEST, "--changes=txt")


def test_a_cluster_that_is_called_as_the_overview_has_a_page_of_its_own():
    names = {Member(name).file_name for name in ("index", "Index", "prod")}
    assert "prod" in names
    assert len(names) == 3
    assert not any(name.lower() == "index" for name in names)


def test_an_overlay_lies_on_each(fleet):
    (fleet / "more.yaml").write_text(WEB.format(name="more"))
    scan(EAST, WEST, "--overlay=more.yaml", "-o", "json=all.json")
    more = {f["target"]["cluster"] for f in report()["findings"] if f["target"]["name"] == "more"}
    assert more == {"east", "west"}


def test_settings_name_the_clusters(fleet):
    (fleet / "folder").mkdir()
    shutil.move(fleet / "north.kguard.gz", fleet / "folder" / "n.kguard.gz")
    (fleet / "folder" / ".hidden").write_text("not a cluster")
    (fleet / "kguard.yaml").write_text(
        "clusters:\n- {name: here, snapshot: east.kguard.gz}\n- {folder: folder}\n"
    )
    scan("-o", "json=all.json")
    assert [row["name"] for row in report()["clusters"]] == ["here", "north"]
    assert {f["target"]["cluster"] for f in report()["findings"]} == {"here", "north"}


def test_settings_that_say_too_little_are_refused(fleet):
    (fleet / "kguard.yaml").write_text("clusters:\n- {name: here}\n")
    with pytest.raises(UsageError, match="an entry has a context, a kubeconfig"):
        scan("-o", "json=all.json")


def test_kubeconfigs_in_a_folder_are_read_by_their_current_context(fleet, monkeypatch):
    asked = []

    def read(context, *, kubeconfig, **options):
        asked.append((context, Path(kubeconfig).relative_to(fleet).as_posix()))
        return collected(fleet, "web")

    monkeypatch.setattr(cluster, "read", read)
    (fleet / "folder").mkdir()
    for name in ("south", "center"):
        (fleet / "folder" / f"{name}.yaml").write_text("apiVersion: v1\nkind: Config\n")
    (fleet / "kguard.yaml").write_text("clusters: [{folder: folder}]\n")
    scan("-o", "json=all.json")
    assert asked == [("", "folder/center.yaml"), ("", "folder/south.yaml")]
    assert [row["name"] for row in report()["clusters"]] == ["center", "south"]


def audited(name="all.json"):
    return [row["name"] for row in report(name)["clusters"]]


def test_shards_share_the_clusters(fleet):
    everything = (EAST, NORTH, WEST)
    for index in range(2):
        scan(*everything, f"--shard={index}/2", "-o", f"json={index}.json")
    assert (audited("0.json"), audited("1.json")) == (["east", "west"], ["north"])
    assert scan(*everything, "--shard=3/4", "-o", "json=none.json") == 0
    assert not (fleet / "none.json").exists()


def test_a_pod_of_an_indexed_job_knows_its_shard(fleet, monkeypatch):
    monkeypatch.setenv("KGUARD_SHARDS", "2")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", "1")
    scan(EAST, NORTH, WEST, "-o", "json=all.json")
    assert audited() == ["north"]
    monkeypatch.delenv("JOB_COMPLETION_INDEX")
    with pytest.raises(UsageError, match="there is no shard /2"):
        scan(EAST, NORTH, WEST)


@pytest.mark.parametrize("wrong", ["2/2", "1", "a/b", "-1/2", "1/0"])
def test_a_shard_that_is_none_is_refused(fleet, wrong):
    with pytest.raises(UsageError, match=f"there is no shard {wrong}"):
        scan(EAST, NORTH, f"--shard={wrong}")


def test_a_single_cluster_has_no_shards(fleet):
    with pytest.raises(UsageError, match="a shard is a part of several clusters"):
        scan(EAST, "--shard=0/2")


def test_a_run_that_is_repeated_leaves_one_audit_of_each(fleet):
    words = (EAST, NORTH, "--history=audits.db", "--run=night", "-o", "json=all.json")
    scan(*words)
    scan(*words, "--at=2026-11-30T03:05:00Z")
    with history.opened("audits.db") as store:
        found = [(audit.subject, audit.at[11:16]) for audit in history.audits(store)]
    assert found == [("east", "03:05"), ("north", "03:05")]


def test_a_folder_for_one_cluster_has_one_file(fleet):
    scan(EAST, "-o", "html=out/")
    assert [path.name for path in (fleet / "out").iterdir()] == ["report.html"]


def test_a_history_that_can_be_none_is_refused_before_anything_is_read(fleet, monkeypatch):
    monkeypatch.setattr(snapshot, "read", None)
    with pytest.raises(UsageError, match="a port that is no number"):
        scan(EAST, NORTH, "--history=postgresql://host:port/name")
    with pytest.raises(UsageError, match="--offline excludes a history"):
        scan(EAST, NORTH, "--offline", "--history=postgresql://host/name")


def test_the_history_draws_the_overview_that_no_single_run_can(fleet, capsys):
    scan(EAST, "--history=audits.db", "-o", "json=one.json")
    scan(NORTH, "--history=audits.db", "--at=2026-12-01T03:00:00Z", "-o", "json=two.json")
    capsys.readouterr()
    words = ["history", "overview", "--history=audits.db", "-o"]
    kguard.main([*words, "html"], prog_name="kguard", standalone_mode=False)
    page = capsys.readouterr().out
    assert page.count("<tr role") == 3
    assert "2026-11-30T03:00:00Z" in page  # older than the rest: said so
    kguard.main([*words, "json"], prog_name="kguard", standalone_mode=False)
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["east", "north"]
    assert rows[0]["layers"]["network"]["total"] == 1
    assert rows[0]["layers"]["network"]["since"] == "2026-11-30T03:00:00Z"


def test_the_overview_alone_counts_what_is_undecided():
    cell = {"state": "unknown", "evaluated": 0, "total": 1, "subject": "API server"}
    line = ClusterRow(
        name="east",
        at="2026-11-30T03:00:00Z",
        complete=True,
        reason="",
        objects=1,
        findings={"high": 1},
        unknown=2,
        layers={"audit": Cell(**cell, findings={}, unknown=2)},
    )
    page = reporters.render("html", table([line]), reporters.Settings(pages={"east": "east.html"}))
    assert "1 finding (1 high), 2 undecided." in page
