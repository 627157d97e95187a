# SPDX-License-Identifier: Apache-2.0
"""How does the Action get kguard? Its dependencies from the lock, itself from its own checkout.

Run with ``python3 -I``: nothing of the scanned repository can get in the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OLDEST = (3, 11)
PIP = (22, 3)
"""The first that knows `--python`."""


def main() -> int:
    """Exit code 0 when the environment stands, 2 when it cannot be made here."""
    if sys.version_info < OLDEST:
        print("::error::kguard needs Python 3.11 or newer; add actions/setup-python before it")
        return 2
    action = Path(os.environ["GITHUB_ACTION_PATH"]).resolve()
    place = Path(os.environ["RUNNER_TEMP"]) / "kguard-environment"
    alone = not _has_pip()
    venv.create(place, clear=True, with_pip=alone)
    python = str(place / "bin" / "python")
    needs_client = os.environ.get("KGUARD_INPUT_ENGINE", "").strip() == "opa"
    lock = str(action / ("requirements.lock" if needs_client else "requirements-core.lock"))
    pip = [python, "-I", "-m", "pip"] if alone else [sys.executable, "-I", "-m", "pip"]
    command = [*pip, *(() if alone else ("--python", python)), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--no-compile"]  # most modules are never imported
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", lock]
    # pip starts the other Python itself, and not isolated.
    plain = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    if subprocess.run(command, check=False, env=plain).returncode:
        print("::error::kguard's dependencies could not be installed from its lock")
        return 2
    packages = sysconfig.get_path("purelib", vars={"base": str(place)})
    (Path(packages) / "kguard-checkout.pth").write_text(f"{action}\n", encoding="utf-8")
    return 0


def _has_pip() -> bool:
    """Whether this Python's own pip can install elsewhere: a pip in the new place takes longer."""
    try:
        major, minor, *_ = version("pip").split(".")
        return (int(major), int(minor)) >= PIP
    except (PackageNotFoundError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
