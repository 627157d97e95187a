# SPDX-License-Identifier: Apache-2.0
"""Where do the shipped policies and Falco rules lie?

In a wheel they travel as `kguard/_bundle`; in a checkout they stand beside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _root() -> Path:
    bundle = _PACKAGE / "_bundle"
    return bundle if bundle.is_dir() else _PACKAGE.parent


def policies_dir() -> Path:
    """The folder of the shipped Rego policies."""
    return _root() / "policies"


def rules_dir() -> Path:
    """The folder of the shipped Falco rules."""
    return _root() / "rules"
