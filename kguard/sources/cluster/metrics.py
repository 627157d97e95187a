# SPDX-License-Identifier: Apache-2.0
"""What does an API server count of its own auditing?

Authority: kubernetes/apiserver pkg/audit/metrics.go. The counters are those of the one server that
answers. Nothing else of the page, which may be several megabytes, is kept.
"""

from __future__ import annotations

from kguard.errors import ClusterError
from kguard.model.manifests import PlainFile, Unreadable
from kguard.sources.cluster.connection import FORBIDDEN, Connection, Refused

PATH = "/metrics"
KIND = "Metrics"
"""What is unknown without the page, as `Unreadable.feeds` names it."""
PREFIX = b"apiserver_audit_"


def audit_counters(connection: Connection) -> PlainFile | Unreadable:
    """The lines about auditing of the server's metrics, or why there are none."""
    try:
        page = connection.body(PATH)
    except (Refused, ClusterError) as error:
        denied = isinstance(error, Refused) and error.code == FORBIDDEN
        missing = f"the verb `get` on the path `{PATH}` is not granted"
        reason = missing if denied else f"`get` on {PATH}: {error.message}"
        return Unreadable(f"context {connection.context}", reason=reason, feeds=(KIND,))
    lines = [line for line in page.splitlines() if line.startswith(PREFIX)]
    return PlainFile(PATH, b"\n".join(lines).decode("utf-8", "replace"), connection.context)
