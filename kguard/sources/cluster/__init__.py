# SPDX-License-Identifier: Apache-2.0
"""What does a live cluster hold of the kinds that the layers judge?

The official client authenticates and encrypts; everything after that is raw JSON in chunked
lists, because the client's model objects are five times slower. What may not be listed is
unreadable, with the missing right named, never absent.
"""

from __future__ import annotations

from kguard.sources.cluster.read import contexts, read

__all__ = ["contexts", "read"]
