# SPDX-License-Identifier: Apache-2.0
"""Does the image hold what a scan needs, and does it run where nothing can be written?"""

from __future__ import annotations

import json

import pytest

import kguard as package
from tests.e2e import image, room
from tests.e2e.manifests import LATEST_WEB


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    room.needed()
    return image.build(checkout, tmp_path_factory.mktemp("image"))


@pytest.fixture
def container(built, tmp_path):
    """``container("scan", ..., mounts={...})`` is a command of the image, its root read-only."""

    def run(*arguments, mounts=None):
        place = tmp_path / "room"
        place.mkdir(exist_ok=True)
        command = [*built.entrypoint, *arguments]
        return room.run(command, {**built.mounts, **(mounts or {})}, place, built.environment)

    return run


def test_the_image_tells_its_version(container):
    done = container("--version")
    assert done.stdout.strip() == f"kguard {package.__version__}", done.stderr


def test_a_scan_runs_on_a_root_that_nobody_can_write(container, tmp_path):
    (tmp_path / "shop.yaml").write_text(LATEST_WEB)
    mounts = {"/input": room.Mount(tmp_path / "shop.yaml")}
    done = container("scan", "--fail-on=medium", "--output=json", "/input", mounts=mounts)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {"network", "images"} <= {finding["layer"] for finding in findings}
    refused = container("scan", "/input", "--output=json=/opt/report.json", mounts=mounts)
    assert refused.returncode == 2
    assert "Read-only file system" in refused.stderr


def test_the_image_holds_no_tests_and_all_bytecode(built):
    opt = built.mounts["/opt"].source / "kguard"
    assert not list(opt.rglob("*_test.rego"))
    assert list(opt.rglob("*.rego"))
    modules = list((opt / "kguard").rglob("*.py"))
    compiled = {path.name.split(".")[0] for path in opt.rglob("*.pyc")}
    assert {path.stem for path in modules} == compiled


def test_packages_come_from_the_lock_alone(checkout):
    found = [s.rest for s in image.steps(checkout / "deploy/Containerfile") if s.word == "RUN"]
    (install,) = (step for step in found if "pip install" in step)
    for word in ("--require-hashes", "--no-deps", "--only-binary :all:", "requirements.lock"):
        assert word in install


def test_nobody_is_root_and_nothing_else_is_copied(built, checkout):
    assert built.user == "65532:65532"
    rules = (checkout / ".dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in rules if line.startswith("!")}
    copied = {
        step.rest.split()[0]
        for step in image.steps(checkout / "deploy/Containerfile")
        if step.word == "COPY" and not step.rest.startswith("--from")
    }
    assert copied == allowed
