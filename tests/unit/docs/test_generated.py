# SPDX-License-Identifier: Apache-2.0
"""Are the generated pages of docs/ up to date?"""

from __future__ import annotations

import subprocess
import sys


def test_generated_pages_are_fresh(checkout):
    """In a process of its own: click keeps a command's help option as it was first asked for."""
    command = [sys.executable, "-m", "support.docs", "--check"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
