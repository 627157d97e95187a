# SPDX-License-Identifier: Apache-2.0
"""Does the wheel hold everything that a scan needs, and nothing else?

It is built from the source archive, installed into an empty environment without network, and a
scan runs from it, far from the checkout.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.e2e.manifests import LATEST_WEB


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory) -> Path:
    """The wheel, built from the source archive of a copy of the tracked files."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        check=True,
    )
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (checkout / name).is_file() and not name.startswith(("tests/", "support/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, source / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), "source"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_every_policy_and_rule_travels_and_no_test(wheel, checkout):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("policies", "rules"):
        wanted = {
            f"kguard/_bundle/{path.relative_to(checkout)}"
            for path in (checkout / folder).rglob("*")
            if path.is_file() and not path.name.endswith("_test.rego")
        }
        assert {name for name in names if name.startswith(f"kguard/_bundle/{folder}/")} == wanted
    assert not [name for name in names if "_test." in name or "tests/" in name]
    roots = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert roots == {"kguard"}


def test_every_module_travels(wheel, checkout):
    names = set(zipfile.ZipFile(wheel).namelist())
    modules = {str(path.relative_to(checkout)) for path in (checkout / "kguard").rglob("*.py")}
    assert modules <= names
    assert "kguard/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The command ``kguard`` of an environment with the wheel in it.

    The dependencies are those of this environment; pip is told to use no network.
    """
    place = tmp_path_factory.mktemp("installed")
    venv.create(place, with_pip=False)
    into = ["--python", str(place / "bin" / "python")]
    install = [sys.executable, "-m", "pip", *into, "install", "--no-index", "--no-deps", "--quiet"]
    install.append(str(wheel))
    subprocess.run(install, check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(place)}))
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return place / "bin" / "kguard"


def offline() -> list[str]:
    """A command prefix that takes the network away, where the machine allows that."""
    unshare = ["unshare", "--map-root-user", "--net"]
    if not shutil.which("unshare"):
        return []
    tried = subprocess.run([*unshare, "true"], capture_output=True, check=False)
    return unshare if tried.returncode == 0 else []


def run(command: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        [*offline(), str(command), *arguments],
        cwd=folder,
        env={**environment, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_tells_its_version(installed, tmp_path):
    import kguard

    done = run(installed, "--version", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert kguard.__version__ in done.stdout


def test_a_scan_runs_from_the_wheel_without_network(installed, tmp_path):
    (tmp_path / "shop.yaml").write_text(LATEST_WEB)
    done = run(installed, "scan", "--fail-on=medium", "--output=json", "shop.yaml", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)["findings"]
    assert {"network", "images"} <= {finding["layer"] for finding in findings}


def test_the_wheel_lists_the_shipped_policies(installed, checkout, tmp_path):
    done = run(installed, "policies", "list", "-o", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shipped = {
        f"{path.parent.name}/{path.stem.replace('_', '-')}"
        for path in (checkout / "policies").rglob("*.rego")
        if not path.stem.endswith("_test") and not path.stem.startswith("_")
    }
    listed = {policy["id"] for policy in json.loads(done.stdout)}
    assert listed <= shipped
    assert len(listed) > len(shipped) / 2
