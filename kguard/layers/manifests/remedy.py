# SPDX-License-Identifier: Apache-2.0
"""Which manifests close findings about the manifests themselves?

None: each of them means that the author wanted something that the text does not say, and only the
author knows what. The policies say so.
"""

from __future__ import annotations

from collections.abc import Mapping

from kguard.model.remedies import RemedyFunction

REMEDIES: Mapping[str, RemedyFunction] = {}
