# SPDX-License-Identifier: Apache-2.0
"""What does a newcomer see first? The example shop judged, mended and proved by one command.

``python -m support.demo`` scans ``examples/shop``, writes remedies with their proof into ``out/``
and says where the HTML report lies. Findings are the point here: only a failure is a failure.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SHOP = "examples/shop"
OUT = Path("out")
EXPECTED = {"scan": (1,), "fix": (0, 1)}


def main() -> int:
    """Exit code 0 if the scan found what it should and remedies were written."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    report, data, remedies = OUT / "report.html", OUT / "report.json", OUT / "remedies"
    outputs = ["terminal", f"html={report}", f"json={data}"]
    good = _kguard("scan", SHOP, *(f"--output={output}" for output in outputs))
    good = good and _kguard("fix", SHOP, f"--out={remedies}")
    if not good:
        return 1
    print(f"""
{SHOP} is wrong in each of the five layers, in ways that a check for presence misses.
  report      {report.absolute().as_uri()}
  as data     {data}
  remedies    {remedies}/
  the proof   {remedies / "PROOF.md"}""")
    return 0


def _kguard(command: str, *arguments: str) -> bool:
    print(f"$ kguard {command} {' '.join(arguments)}\n", flush=True)
    done = subprocess.run([sys.executable, "-m", "kguard", command, *arguments], check=False)
    print(flush=True)
    return _as_expected(command, done.returncode, EXPECTED[command])


def _as_expected(command: str, code: int, expected: Sequence[int]) -> bool:
    if code in expected:
        return True
    print(f"demo: kguard {command} ended with exit code {code}", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main())
