# SPDX-License-Identifier: Apache-2.0
"""How is a pod run that a controller made, where there is no kubelet? As a process in a room.

The container's command gets the environment, the volumes and the service-account token that its
pod asks for, and may write nothing but its volumes if its root is read-only.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.e2e import image, live, room

_ANNOTATION = re.compile(r"metadata\.annotations\['(.+)'\]")


def of_job(cluster: live.Cluster, namespace: str, job: str) -> dict[str, Any]:
    """The first pod of a Job, as soon as its controller has made it."""
    chosen = (f"--namespace={namespace}", "--selector", f"job-name={job}")
    cluster.run("wait", "pod", *chosen, "--for=create", "--timeout=60s")
    pods: list[dict[str, Any]] = json.loads(cluster.run("get", "pods", *chosen, "-o", "json"))[
        "items"
    ]
    return pods[0]


def run(
    pod: dict[str, Any], built: image.Image, cluster: live.Cluster, folder: Path
) -> subprocess.CompletedProcess:
    """What the pod's only container says; claims lie in `folder` and outlive the pod."""
    (container,) = pod["spec"]["containers"]
    place = folder / pod["metadata"]["name"]
    place.mkdir()
    sources = {v["name"]: _volume(v, pod, cluster, folder) for v in pod["spec"]["volumes"]}
    mounts = {
        mount["mountPath"]: room.Mount(sources[mount["name"]], not mount.get("readOnly"))
        for mount in container["volumeMounts"]
    }
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    environment |= {e["name"]: _value(e, pod) for e in container.get("env", ())}
    command = [*container.get("command", built.entrypoint), *container.get("args", ())]
    return room.run(
        command, {**built.mounts, **mounts}, place, {**built.environment, **environment}
    )


def end(cluster: live.Cluster, pod: dict[str, Any], code: int) -> None:
    """Tell the API server how the pod ended, as a kubelet does."""
    name = pod["spec"]["containers"][0]["name"]
    ended = {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
    state = {
        "phase": "Failed" if code else "Succeeded",
        "containerStatuses": [
            {
                "name": name,
                "image": "",
                "imageID": "",
                "ready": False,
                "restartCount": 0,
                "state": ended,
            }
        ],
    }
    cluster.run(
        *("patch", "pod", pod["metadata"]["name"], "--subresource=status", "--type=merge"),
        f"--namespace={pod['metadata']['namespace']}",
        f"--patch={json.dumps({'status': state})}",
    )


def _value(entry: dict[str, Any], pod: dict[str, Any]) -> str:
    """The value of a variable; of the sources only annotations of the pod are known here."""
    if "valueFrom" not in entry:
        return str(entry.get("value", ""))
    found = _ANNOTATION.fullmatch(entry["valueFrom"]["fieldRef"]["fieldPath"])
    assert found, entry
    return str(pod["metadata"]["annotations"][found[1]])


def _volume(
    volume: dict[str, Any], pod: dict[str, Any], cluster: live.Cluster, folder: Path
) -> Path:
    if claim := volume.get("persistentVolumeClaim"):
        place = folder / f"claim-{claim['claimName']}"
        place.mkdir(exist_ok=True)
        return place
    place = folder / pod["metadata"]["name"] / f"volume-{volume['name']}"
    place.mkdir()
    for name, content in _files(volume, pod, cluster):
        (place / name).write_bytes(content)
    return place


def _files(
    volume: dict[str, Any], pod: dict[str, Any], cluster: live.Cluster
) -> Iterator[tuple[str, bytes]]:
    namespace = pod["metadata"]["namespace"]
    for source in [volume, *volume.get("projected", {}).get("sources", ())]:
        for kind in ("configMap", "secret"):
            if kind in source:
                name = source[kind].get("name") or source[kind]["secretName"]
                yield from _entries(cluster, kind, namespace, name)
        if asked := source.get("serviceAccountToken"):
            yield asked["path"], _token(pod, cluster, asked)
        for item in source.get("downwardAPI", {}).get("items", ()):
            yield item["path"], namespace.encode()


def _entries(
    cluster: live.Cluster, kind: str, namespace: str, name: str
) -> Iterator[tuple[str, bytes]]:
    text = cluster.run("get", kind.lower(), name, f"--namespace={namespace}", "-o", "json")
    data = json.loads(text).get("data", {})
    for key, value in data.items():
        yield key, value.encode() if kind == "configMap" else base64.b64decode(value)


def _token(pod: dict[str, Any], cluster: live.Cluster, asked: dict[str, Any]) -> bytes:
    """A token of the pod's service account that ends with the pod."""
    metadata = pod["metadata"]
    return cluster.run(
        *("create", "token", pod["spec"]["serviceAccountName"]),
        f"--namespace={metadata['namespace']}",
        f"--duration={asked['expirationSeconds']}s",
        *("--bound-object-kind=Pod", f"--bound-object-name={metadata['name']}"),
        f"--bound-object-uid={metadata['uid']}",
    ).encode()
