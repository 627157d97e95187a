# SPDX-License-Identifier: Apache-2.0
"""How do the Action's inputs become one scan, and its report outputs, a summary and an exit code?

Inputs arrive in ``KGUARD_INPUT_*`` and are never seen by a shell. Whatever the scan prints is
data of strangers: the runner must not take it for workflow commands.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUMMARY_BYTES = 900_000
"""The runner refuses summaries over 1 MiB (a whole step's, so some room is left)."""

SEVERITIES = ("critical", "high", "medium", "low", "info")
BOOLEANS = {"true": True, "false": False, "": False}
USAGE = 2
PULL_REQUESTS = ("pull_request", "pull_request_target")


class InputError(Exception):
    """An input of the Action makes no sense."""


def main() -> int:
    """Run the scan; the exit code is the scan's."""
    temporary = Path(os.environ["RUNNER_TEMP"])
    try:
        files = _files(os.environ, temporary)
        command = _command(os.environ, files, _base(os.environ))
        summary = _flag(os.environ, "SUMMARY")
    except InputError as error:
        print(f"::error::{_data(str(error))}")
        return USAGE
    python = temporary / "kguard-environment" / "bin" / "python"
    done = subprocess.run(
        [str(python), "-I", "-m", "kguard", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    _show(done.stdout.decode("utf-8", "replace"))
    report = _report(files["json"])
    _write_outputs(Path(os.environ["GITHUB_OUTPUT"]), _outputs(files, report, done.returncode))
    if summary:
        _write_summary(Path(os.environ["GITHUB_STEP_SUMMARY"]), files["markdown"])
    return done.returncode


def _value(inputs: Mapping[str, str], name: str) -> str:
    value = inputs.get(f"KGUARD_INPUT_{name}", "").strip()
    if value.startswith("-") or "\0" in value:
        raise InputError(f"input {_title(name)} must not start with a dash: {value!r}")
    return value


def _lines(inputs: Mapping[str, str], name: str) -> list[str]:
    lines = inputs.get(f"KGUARD_INPUT_{name}", "").splitlines()
    items = [line.strip() for line in lines if line.strip()]
    for item in items:
        if item.startswith("-") or "\0" in item:
            raise InputError(f"input {_title(name)} must not hold an option: {item!r}")
    return items


def _flag(inputs: Mapping[str, str], name: str) -> bool:
    value = _value(inputs, name).lower()
    if value not in BOOLEANS:
        raise InputError(f"input {_title(name)} must be true or false, not {value!r}")
    return BOOLEANS[value]


def _title(name: str) -> str:
    return name.lower().replace("_", "-")


def _files(inputs: Mapping[str, str], temporary: Path) -> dict[str, Path]:
    sarif, report = _value(inputs, "SARIF_FILE"), _value(inputs, "JSON_FILE")
    return {
        "sarif": Path(sarif) if sarif else temporary / "kguard.sarif",
        "json": Path(report) if report else temporary / "kguard.json",
        "markdown": temporary / "kguard.md",
    }


def _base(environment: Mapping[str, str]) -> str:
    """The commit whose settings count: the base of a pull request; empty: the checkout's own."""
    chosen = _value(environment, "SETTINGS_FROM")
    if chosen not in ("base", "head", ""):
        raise InputError(f"input settings-from must be base or head, not {chosen!r}")
    if chosen == "head" or environment.get("GITHUB_EVENT_NAME") not in PULL_REQUESTS:
        return ""
    try:
        event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        return str(event["pull_request"]["base"]["sha"])
    except (OSError, ValueError, LookupError, TypeError):
        raise InputError("the event of the pull request does not name its base") from None


def _command(inputs: Mapping[str, str], files: Mapping[str, Path], base: str) -> list[str]:
    command = ["scan", "--output", "terminal"]
    for form, path in files.items():
        command += ["--output", f"{form}={path}"]
    for name in ("FAIL_ON", "BASELINE", "SCOPE", "NAMESPACE"):
        if value := _value(inputs, name):
            command += [f"--{_title(name)}", value]
    for name, option in (("LAYERS", "--layer"), ("POLICIES", "--policies")):
        for item in _lines(inputs, name):
            command += [option, item]
    for name in ("FAIL_ON_NEW", "ALLOW_INCOMPLETE"):
        if _flag(inputs, name):
            command.append(f"--{_title(name)}")
    if base:
        command += ["--settings-from", base]
    if base and _flag(inputs, "FAIL_ON_NEW") and not _value(inputs, "BASELINE"):
        command += ["--baseline", f"rev:{base}"]
    paths = _lines(inputs, "PATHS")
    if not paths:
        raise InputError("input paths is empty")
    return [*command, "--", *paths]


def _show(text: str) -> None:
    """Print the scan's words so that the runner executes none of them."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}")
    for line in text.splitlines():
        harmless = line.replace("##[", "# #[")
        print(f" {harmless}" if harmless.lstrip().startswith("::") else harmless)
    print(f"::{token}::", flush=True)


def _data(text: str) -> str:
    """Text as the value of a workflow command: on one line, nothing of it a command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _report(path: Path) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def _outputs(files: Mapping[str, Path], report: dict[str, Any], code: int) -> dict[str, str]:
    states = [finding["state"] for finding in report.get("findings", [])]
    found = {f["severity"] for f in report.get("findings", []) if f["state"] == "open"}
    return {
        "sarif-file": str(files["sarif"]) if files["sarif"].is_file() else "",
        "json-file": str(files["json"]) if files["json"].is_file() else "",
        "findings": str(states.count("open")) if report else "",
        "known-findings": str(states.count("baseline")) if report else "",
        "highest-severity": next((s for s in SEVERITIES if s in found), "none") if report else "",
        "exit-code": str(code),
    }


def _write_outputs(path: Path, outputs: Mapping[str, str]) -> None:
    """Write outputs under a random delimiter, so that no value can end it and add another."""
    with path.open("a", encoding="utf-8") as sink:
        for name, value in outputs.items():
            delimiter = f"kguard-{secrets.token_hex(16)}"
            sink.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def _write_summary(path: Path, markdown: Path) -> None:
    """Append the Markdown report, cut between lines where the runner would refuse it."""
    if not markdown.is_file():
        return
    kept, size = [], 0
    lines = markdown.read_text(encoding="utf-8").splitlines(keepends=True)
    for line in lines:
        size += len(line.encode())
        if size > SUMMARY_BYTES:
            break
        kept.append(line)
    if len(kept) < len(lines):
        kept.append(f"\n{len(lines) - len(kept)} more lines are in the JSON and SARIF reports.\n")
    with path.open("a", encoding="utf-8") as sink:
        sink.writelines(kept)


if __name__ == "__main__":
    sys.exit(main())
