# SPDX-License-Identifier: Apache-2.0
"""Is the synthetic input always the same, and are time and memory those of the command?"""

from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from kguard.layers.runtime.rule_listing import list_rules
from support.bench import measure, placement, pulls, reach, rules, synthetic
from support.bench.__main__ import Work, growth


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    sizes = [synthetic.write(tmp_path / name, 120, 7) for name in "ab"]
    texts = [[p.read_bytes() for p in sorted((tmp_path / n).iterdir())] for n in "ab"]
    assert texts[0] == texts[1]
    assert sizes[0] == sum(map(len, texts[0]))
    objects = [o for text in texts[0] for o in yaml.safe_load_all(text)]
    kinds = [o["kind"] for o in objects]
    assert (kinds.count("Deployment"), kinds.count("NetworkPolicy")) == (120, 7)


def test_every_falco_rule_is_dead_and_the_same_numbers_give_the_same_bytes(tmp_path):
    files = [rules.write(tmp_path / name, 40) for name in "ab"]
    texts = [[path.read_text() for path in paths] for paths in files]
    assert texts[0] == texts[1]
    found = list_rules([(path.name, path.read_text()) for path in files[0]], "")
    assert [rule["dead"] for rule in found["rules"]] == [True] * 40
    blamed = [f"macro {name}" in one["because"] for one in found["rules"] for name in rules.KILLERS]
    assert all(blamed)
    alive = list_rules([("base.yaml", texts[0][0])], "")
    assert not any(rule["dead"] for rule in alive["rules"])


def test_nodes_and_daemonsets_are_always_the_same(tmp_path):
    texts = [placement.write(tmp_path / name, 9, 3).read_text() for name in "ab"]
    assert texts[0] == texts[1]
    kinds = [one["kind"] for one in yaml.safe_load_all(texts[0])]
    assert (kinds.count("Node"), kinds.count("DaemonSet")) == (9, 3)


def test_memory_and_exit_code_are_those_of_the_command(checkout):
    # In a process of its own: Linux counts what the parent had at the fork for the child, too.
    command = [sys.executable, "-c", "x = bytearray(150_000_000); raise SystemExit(3)"]
    code = f"from support.bench.measure import once; print(*once({command!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True
    )
    *_, megabytes, exit_code = done.stdout.split()
    assert exit_code == "3"
    assert 140 < float(megabytes) < 400


def test_the_pull_request_changes_ten_of_two_thousand_files(tmp_path):
    pulls.write(tmp_path)
    git = ["git", "-C", str(tmp_path)]
    listed = subprocess.check_output([*git, "ls-files"], text=True).split()
    changed = subprocess.check_output([*git, "diff", "--stat", "main...HEAD"], text=True)
    assert len(listed) == 2000
    assert "10 files changed" in changed


def test_a_command_over_the_cut_off_is_stopped():
    with pytest.raises(measure.TooSlow):
        measure.once([sys.executable, "-c", "import time; time.sleep(60)"], cut_off=0.2)


def test_growth_is_told_against_the_smallest_scan():
    works = [Work("kernel", [], None, 0, 0), Work("few", [], None, 0, 0, 100)]
    works.append(Work("many", [], None, 0, 0, 1000))
    costs = [measure.Cost(9, 9, 9, 0), measure.Cost(1, 2, 50, 1), measure.Cost(8, 18, 200, 1)]
    (line,) = growth(list(zip(works, costs, strict=True)))
    assert line.startswith("10.0 times the objects of `few`: 8.0 times the time, 9.0 times")
    assert line.endswith("4.0 times the memory")


def test_lists_of_connections_are_compared_by_pods_and_ports(tmp_path):
    for name in "ab":
        reach.write(tmp_path / name, 20, 20)
    texts = [(tmp_path / name / "all.yaml").read_text() for name in "ab"]
    assert texts[0] == texts[1]
    ours = "x/a[Pod] => x/b[Pod] : TCP 80,81\nx/b[Pod] => 10.0.0.0-10.0.0.9[External] : TCP 443\n"
    theirs = (
        "x/a[Pod] => x/b[Pod] : {protocols:TCP,dst_ports:80,81}\n"
        "x/b[Pod] => x/a[Pod] : {protocols:TCP,dst_ports:80}\n"
        "x/b[Pod] => 10.0.0.0-10.0.0.9 : {protocols:TCP,dst_ports:443}\n"
    )
    assert reach.agreement(ours, theirs) == (1, 2)
