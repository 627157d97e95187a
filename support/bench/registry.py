# SPDX-License-Identifier: Apache-2.0
"""How fast are the signatures of many images judged, over a network that answers late?

``python -m support.bench.registry [IMAGES] [COSIGN]`` serves signed images from a registry in a
process of its own, 100 ms away, and lists them with an empty cache, with a full one, and with one
whose answers are older than they may be believed; then it asks cosign (where the testbed has it)
about COSIGN of them, one after the other. It prints wall time, budget, processor time, memory and
requests for each image.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from support.bench.measure import Cost, once
from support.generators.signed.cases import files, pki
from support.generators.signed.images import INDEX, Repository, sign
from support.generators.signed.pki import ISSUER, SUBJECT
from support.testbed.cache import binary
from support.testbed.recipes import recipe

LATENCY_SECONDS = 0.1
IMAGES = 1000
BY_COSIGN = 100
COLD_SECONDS, WARM_SECONDS = 30.0, 5.0
_OLD_SECONDS = 3600.0
_KINDS = (("bundle-v1", "referrers"), ("bundle-v1", "fallback"), ("legacy", "fallback"))
"""Formats with the referrers API or without, one after the other."""


def main(arguments: Sequence[str]) -> int:
    """Print the lines; exit code 1 where an image is not verified."""
    images = int(arguments[0]) if arguments else IMAGES
    by_cosign = int(arguments[1]) if len(arguments) > 1 else BY_COSIGN
    repositories = [_repository(number) for number in range(images)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        server = context.Process(target=_serve, args=(repositories, theirs), daemon=True)
        server.start()
        try:
            return _measure(f"127.0.0.1:{ours.recv()}", repositories, folder, by_cosign)
        finally:
            server.terminate()


def _repository(number: int) -> Repository:
    form, mode = _KINDS[number % len(_KINDS)]
    found = Repository(f"bench/app-{number}", mode)
    digest = found.image(f"app {number}", "1.0.0")
    sign(form, pki("acme"), digest, f"signer-{number % 7}").store(found)
    return found


def _measure(host: str, repositories: list[Repository], folder: Path, by_cosign: int) -> int:
    _write(host, repositories, folder)
    count, good = len(repositories), True
    command = [sys.executable, "-m", "kguard", "images", "list", "--registry", "--quiet"]
    command += ["--cache", str(folder / "cache"), "-o", "json", str(folder / "pods.json")]
    for title, budget in (("cold", COLD_SECONDS), ("warm", WARM_SECONDS), ("warm, old", 0.0)):
        if title == "warm, old":
            _age(folder / "cache")
        before = _requests(host)
        cost, classes = _listed(command, folder)
        good &= classes == {"verified"}
        _print(
            f"{count:,} signed images, {title}", budget, cost, (_requests(host) - before) / count
        )
    cosign = binary(recipe("cosign"))
    if cosign.is_file() and by_cosign:
        _print_cosign(cosign, host, repositories[:by_cosign], folder)
    return 0 if good else 1


def _listed(command: list[str], folder: Path) -> tuple[Cost, set[str]]:
    """What it costs, and the classes that are found: asked once more, where it costs little."""
    cost = once(["sh", "-c", 'exec "$@" > "$0"', str(folder / "rows.json"), *command])
    rows = json.loads((folder / "rows.json").read_text())
    return cost, {row["class"] for row in rows}


def _write(host: str, repositories: list[Repository], folder: Path) -> None:
    """A pod for each image, and whom to trust."""
    pods = [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"app-{number}", "namespace": "bench"},
            "spec": {"containers": [{"name": "app", "image": f"{host}/{found.name}:1.0.0"}]},
        }
        for number, found in enumerate(repositories)
    ]
    body = {"apiVersion": "v1", "kind": "List", "items": pods}
    (folder / "pods.json").write_text(json.dumps(body))
    (folder / "root.json").write_bytes(files()["good.json"])
    signer = {"issuer": ISSUER, "subject": SUBJECT}
    trust = {"trust": {"roots": ["root.json"], "identities": [signer]}}
    (folder / "kguard.yaml").write_text(json.dumps(trust))


def _age(cache: Path) -> None:
    """Make every answer older than it is believed."""
    for path in (cache / "pointers").glob("*/*"):
        pointer = json.loads(path.read_text())
        path.write_text(json.dumps({**pointer, "at": time.time() - _OLD_SECONDS}))


def _print(title: str, budget: float, cost: Cost, requests: float) -> None:
    allowed = f"{budget:6g}{'!' if cost.seconds > budget else ' '}" if budget else f"{'-':>7}"
    print(
        f"{title:38} {cost.seconds:7.2f} {allowed} {cost.processor:7.2f} {cost.megabytes:6.0f}"
        f"  {requests:.2f} requests/image",
        flush=True,
    )


def _print_cosign(cosign: Path, host: str, repositories: list[Repository], folder: Path) -> None:
    environment = {**os.environ, "HOME": str(folder)}
    before, started, accepted = _requests(host), time.perf_counter(), 0
    processor = megabytes = 0.0
    os.environ.update(environment)
    for found in repositories:
        command = [str(cosign), "verify", "--trusted-root", str(folder / "root.json"), "--offline"]
        command += ["--certificate-identity", SUBJECT, "--certificate-oidc-issuer", ISSUER]
        cost = once([*command, "--allow-http-registry", f"{host}/{found.name}:1.0.0"])
        accepted += cost.code == 0
        processor, megabytes = processor + cost.processor, max(megabytes, cost.megabytes)
    spent = Cost(time.perf_counter() - started, processor, megabytes, 0)
    requests = (_requests(host) - before) / len(repositories)
    _print(f"{len(repositories):,} by cosign verify ({accepted} accepted)", 0, spent, requests)


def _requests(host: str) -> int:
    with urlopen(f"http://{host}/requests") as answer:
        return int(answer.read())


class _Server:
    def __init__(self, repositories: list[Repository]) -> None:
        self._rows = {found.name: found for found in repositories}
        self._requests = 0

    async def serve(self, told: Any) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1024)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
                if target == "/requests":
                    found = (200, "text/plain", str(self._requests).encode(), "")
                else:
                    self._requests += 1
                    await asyncio.sleep(LATENCY_SECONDS)
                    found = self._answer(target.partition("?")[0])
                writer.write(b"".join(_lines(method, *found)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            pass
        finally:
            writer.close()

    def _answer(self, path: str) -> tuple[int, str, bytes, str]:
        parts = path.removeprefix("/v2/").rsplit("/", 2)
        row = self._rows.get(parts[0]) if len(parts) == 3 else None
        if row is None:
            return (200 if path == "/v2/" else 404), "application/json", b"{}", ""
        kind, reference = parts[1:]
        if kind == "referrers":
            if row.mode != "referrers":
                return 404, "text/plain", b"404 page not found", ""
            found = row.referrers.get(reference, [])
            listed = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
            return 200, INDEX, json.dumps(listed).encode(), ""
        digest = row.tags.get(reference, reference)
        kinds = row.manifests if kind == "manifests" else dict.fromkeys(row.blobs, "")
        if digest not in kinds:
            return 404, "application/json", b"{}", ""
        return 200, kinds[digest] or "application/octet-stream", row.content[digest], digest


def _lines(method: str, status: int, kind: str, body: bytes, digest: str) -> Iterator[bytes]:
    yield f"HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\n".encode()
    yield f"Content-Length: {len(body)}\r\nDocker-Content-Digest: {digest}\r\n\r\n".encode()
    if method != "HEAD":
        yield body


def _serve(repositories: list[Repository], told: Any) -> None:
    asyncio.run(_Server(repositories).serve(told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
