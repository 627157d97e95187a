# SPDX-License-Identifier: Apache-2.0
"""Which connections are intended, as far as the manifests show?"""

from __future__ import annotations

from kguard.layers.network.intent.collect import intended
from kguard.layers.network.intent.model import Flow, Party
from kguard.layers.network.intent.names import Names

__all__ = ["Flow", "Names", "Party", "intended"]
