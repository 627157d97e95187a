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
from typing import Any, NamedTuple

SUMMARY_BYTES = 900_000
"""The runner refuses summaries over 1 MiB (a whole step's, so some room is left)."""

SEVERITIES = ("critical", "high", "medium", "low", "info")
BOOLEANS = {"true": True, "false": False, "": False}
USAGE = 2
BASES = {
    "pull_request": ("pull_request", "base", "sha"),
    "pull_request_target": ("pull_request", "base", "sha"),
    "merge_group": ("merge_group", "base_sha"),
}
"""Where the event of a change names the commit that it is for."""

LEVELS = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "notice",
    "info": "notice",
}
MAX_ANNOTATIONS = 10
"""Of each level and step: the runner drops more without a word."""
MAX_MESSAGE = 1000
PATCH_SECONDS = 120


class Change(NamedTuple):
    """What is compared with what."""

    settings: str
    """The commit whose settings count; empty: those of the checkout."""
    base: str
    """The revision that the checkout is compared with; empty: nothing is."""


class InputError(Exception):
    """An input of the Action makes no sense."""


def main() -> int:
    """Run the scan; the exit code is the scan's."""
    temporary = Path(os.environ["RUNNER_TEMP"])
    try:
        files = _files(os.environ, temporary)
        change = _change(os.environ)
        command = _command(os.environ, files, change)
        repair = _repair(os.environ, files, change)
        annotated, summary = _flag(os.environ, "ANNOTATIONS"), _flag(os.environ, "SUMMARY")
        whole = not (change.base and _flag(os.environ, "ONLY_CHANGED"))
    except InputError as error:
        print(f"::error::{_data(str(error))}")
        return USAGE
    for path in files.values():
        if path.parent == temporary:  # what an earlier step has left says nothing about this one
            path.unlink(missing_ok=True)
    code, text = _kguard(temporary, command)
    _show(text)
    report = _report(files["json"])
    compared = bool(change.base or _value(os.environ, "BASELINE"))
    if annotated:
        _annotate(report)
    if wanted := _to_repair(report, repair):
        _kguard(temporary, [*repair, *wanted, "--", *_lines(os.environ, "PATHS")], PATCH_SECONDS)
    _write_outputs(
        Path(os.environ["GITHUB_OUTPUT"]), _outputs(files, report, code, compared=compared)
    )
    if summary:
        parts = [files["change"], *([files["markdown"]] if whole else [])]
        _write_summary(Path(os.environ["GITHUB_STEP_SUMMARY"]), *parts)
    return code


def _kguard(temporary: Path, command: list[str], seconds: float | None = None) -> tuple[int, str]:
    """Run kguard in its own environment; its exit code and all that it says."""
    python = temporary / "kguard-environment" / "bin" / "python"
    try:
        done = subprocess.run(
            [str(python), "-I", "-m", "kguard", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


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
        "change": temporary / "kguard-change.md",
        "patch": temporary / "kguard.patch",
    }


def _change(environment: Mapping[str, str]) -> Change:
    """What a pull request is judged by, and compared with."""
    chosen, named = _value(environment, "SETTINGS_FROM"), _value(environment, "BASE_REF")
    if chosen not in ("base", "head", ""):
        raise InputError(f"input settings-from must be base or head, not {chosen!r}")
    event = environment.get("GITHUB_EVENT_NAME", "")
    base = named or (_base(environment, BASES[event]) if event in BASES else "")
    if chosen != "head":
        return Change(base if event in BASES else "", base)
    wanted = named or _flag(environment, "FAIL_ON_NEW") or _flag(environment, "ONLY_CHANGED")
    return Change("", base if wanted else "")


def _base(environment: Mapping[str, str], way: tuple[str, ...]) -> str:
    try:
        found = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
        for name in way:
            found = found[name]
        return str(found)
    except (OSError, ValueError, LookupError, TypeError):
        raise InputError("the event of the pull request does not name its base") from None


def _command(inputs: Mapping[str, str], files: Mapping[str, Path], change: Change) -> list[str]:
    command = ["scan", "--output", "terminal"]
    for form in ("sarif", "json", "markdown"):
        command += ["--output", f"{form}={files[form]}"]
    if form := _value(inputs, "FORMAT"):
        path = _value(inputs, "OUTPUT") or files["json"].with_name(f"kguard.{form}")
        command += ["--output", f"{form}={path}"]
    elif _value(inputs, "OUTPUT"):
        raise InputError("input output needs the input format")
    command += _settings(inputs)
    for name in ("FAIL_ON", "BASELINE"):
        if value := _value(inputs, name):
            command += [f"--{_title(name)}", value]
    if _flag(inputs, "ALLOW_INCOMPLETE"):
        command.append("--allow-incomplete")
    if _flag(inputs, "FAIL_ON_NEW") or (change.base and _flag(inputs, "ONLY_CHANGED")):
        command.append("--fail-on-new")
    if change.settings:
        command += ["--settings-from", change.settings]
    if change.base and not _value(inputs, "BASELINE"):
        command += ["--baseline", f"rev:{change.base}...HEAD"]
        command += ["--changes", "txt", "--changes", f"markdown={files['change']}"]
    return [*command, "--", *_paths(inputs)]


def _settings(inputs: Mapping[str, str]) -> list[str]:
    """The options that say how the input is read and judged."""
    found = []
    for name in ("CONFIG", "SCOPE", "NAMESPACE", "ENGINE", "OPA_URL"):
        if value := _value(inputs, name):
            found += [f"--{_title(name)}", value]
    for name, option in (("LAYERS", "--layer"), ("POLICIES", "--policies")):
        for item in _lines(inputs, name):
            found += [option, item]
    return [*found, "--online"] if _flag(inputs, "ONLINE") else found


def _paths(inputs: Mapping[str, str]) -> list[str]:
    paths = _lines(inputs, "PATHS")
    if not paths:
        raise InputError("input paths is empty")
    return paths


def _repair(inputs: Mapping[str, str], files: Mapping[str, Path], change: Change) -> list[str]:
    """The command that writes the patch; empty where none is wanted."""
    wanted = _value(inputs, "PATCH").lower() or "auto"
    if wanted != "auto" and wanted not in BOOLEANS:
        raise InputError(f"input patch must be auto, true or false, not {wanted!r}")
    if not (bool(change.base) if wanted == "auto" else BOOLEANS[wanted]):
        return []
    out = files["patch"].with_name("kguard-remedies")
    return ["fix", "--quiet", "--out", str(out), "--patch", str(files["patch"]), *_settings(inputs)]


def _to_repair(report: dict[str, Any], repair: list[str]) -> list[str]:
    """The policies whose open findings have a remedy, as options."""
    found = {f["policy"] for f in _open(report) if f["remedy"]} if repair else set()
    return [word for policy in sorted(found) for word in ("--policy", policy)]


def _open(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [finding for finding in report.get("findings", []) if finding["state"] == "open"]


def _annotate(report: dict[str, Any]) -> None:
    """The gravest open findings at their lines; the last annotation of a level counts the rest."""
    found = sorted(_open(report), key=lambda f: SEVERITIES.index(f["severity"]))
    for level in ("error", "warning", "notice"):
        mine = [f for f in found if LEVELS[f["severity"]] == level]
        shown = mine if len(mine) <= MAX_ANNOTATIONS else mine[: MAX_ANNOTATIONS - 1]
        for finding in shown:
            print(_annotation(level, finding))
        if len(shown) < len(mine):
            print(f"::{level} title=kguard::{len(mine) - len(shown)} more are in the reports")
    sys.stdout.flush()


def _annotation(level: str, finding: dict[str, Any]) -> str:
    place: dict[str, Any] = next(
        (p for p in finding["locations"] if p.get("file") and p.get("line")), {}
    )
    said = {"title": f"kguard {finding['policy']}"}
    if place and not place["file"].startswith("/"):
        said |= {"file": place["file"], "line": str(place["line"])}
        said["endLine"] = str(max(place.get("end_line", 0), place["line"]))
    properties = ",".join(f"{name}={_property(value)}" for name, value in said.items())
    message = finding["message"][:MAX_MESSAGE].replace("##[", "# #[")
    return f"::{level} {properties}::{_data(message)}"


def _property(text: str) -> str:
    """Text as a property of a workflow command."""
    short = text[:MAX_MESSAGE].replace("##[", "# #[")
    return _data(short).replace(":", "%3A").replace(",", "%2C")


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


def _outputs(
    files: Mapping[str, Path], report: dict[str, Any], code: int, *, compared: bool
) -> dict[str, str]:
    states = [finding["state"] for finding in report.get("findings", [])]
    found = {f["severity"] for f in _open(report)}
    new = str(states.count("open")) if report and compared else ""
    patch = files["patch"]
    return {
        "sarif-file": str(files["sarif"]) if files["sarif"].is_file() else "",
        "json-file": str(files["json"]) if files["json"].is_file() else "",
        "change-file": str(files["change"]) if files["change"].is_file() else "",
        "patch-file": str(patch) if patch.is_file() and patch.stat().st_size else "",
        "findings": str(states.count("open")) if report else "",
        "new-findings": new,
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


def _write_summary(path: Path, *parts: Path) -> None:
    """Append the Markdown reports, cut between lines where the runner would refuse them."""
    texts = [part.read_text(encoding="utf-8") for part in parts if part.is_file()]
    lines = [line for text in texts for line in text.splitlines(keepends=True)]
    kept, size = [], 0
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
