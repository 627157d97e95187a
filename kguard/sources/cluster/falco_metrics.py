# SPDX-License-Identifier: Apache-2.0
"""What do the running Falcos of a cluster say of themselves?

Authority: falcosecurity/falco userspace/falco/falco_metrics.cpp (0.44) and the proxy of the API
server for pods. The pages tell which rules files are loaded, by their SHA-256, and what was
dropped. Asked only where the user says so: the right `get` on `pods/proxy` reaches far.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from kguard.errors import ClusterError
from kguard.model.manifests import Manifest, PlainFile, Unreadable, mapping, sequence
from kguard.sources.cluster.connection import FORBIDDEN, NOT_FOUND, Connection, Refused

KIND = "FalcoMetrics"
"""What is unknown without a page, as `Unreadable.feeds` names it."""
PREFIX = b"falcosecurity_"
PORT = 8765
"""Where Falco's web server listens unless it is told otherwise."""
MAX_PODS = 5_000

_IMAGE = re.compile(r"(?:^|/)falco(?:-no-driver)?(?:[:@].*)?$")


def falco_metrics(
    connection: Connection, manifests: Iterable[Manifest]
) -> Iterator[PlainFile | Unreadable]:
    """The metrics of every running pod of Falco, or why there are none."""
    asked = 0
    for pod in manifests:
        container = _falco(pod)
        if container is None:
            continue
        asked += 1
        if asked > MAX_PODS:
            reason = f"more than {MAX_PODS} pods of Falco were not asked"
            yield Unreadable(f"context {connection.context}", reason=reason, feeds=(KIND,))
            return
        page = _page(connection, _path(pod, container))
        yield page
        if isinstance(page, Unreadable) and "not granted" in page.reason:
            return


def _falco(pod: Manifest) -> dict[str, Any] | None:
    """The container with Falco of a running pod."""
    if (pod.object.get("kind"), pod.object.get("apiVersion")) != ("Pod", "v1"):
        return None
    if mapping(pod.object.get("status")).get("phase") != "Running":
        return None
    containers = map(mapping, sequence(pod.spec.get("containers")))
    return next((c for c in containers if _IMAGE.search(str(c.get("image", "")))), None)


def _path(pod: Manifest, container: dict[str, Any]) -> str:
    """The path of the page; the port is that of the probe, which asks the same web server."""
    probe = mapping(mapping(container.get("livenessProbe")).get("httpGet"))
    port = probe.get("port")
    number = port if type(port) is int else PORT
    scheme = "https:" if probe.get("scheme") == "HTTPS" else ""
    namespace, name = (
        quote(str(pod.metadata.get(key, "")), safe="") for key in ("namespace", "name")
    )
    return f"/api/v1/namespaces/{namespace}/pods/{scheme}{name}:{number}/proxy/metrics"


def _page(connection: Connection, path: str) -> PlainFile | Unreadable:
    try:
        page = connection.body(path)
    except (Refused, ClusterError) as error:
        code = error.code if isinstance(error, Refused) else 0
        reason = f"`get` on {path}: {error.message}"
        if code == FORBIDDEN:
            reason = "the verb `get` on `pods/proxy` is not granted"
        elif code == NOT_FOUND:
            reason = f"{path}: Falco serves no metrics (prometheus_metrics_enabled)"
        return Unreadable(f"context {connection.context}", reason=reason, feeds=(KIND,))
    lines = [line for line in page.splitlines() if line.startswith(PREFIX)]
    return PlainFile(path, b"\n".join(lines).decode("utf-8", "replace"), connection.context)
