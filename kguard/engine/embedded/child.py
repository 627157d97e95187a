# SPDX-License-Identifier: Apache-2.0
"""How does the killable child evaluate policies?

Runs as a script under `python -I`, with memory and time limits, because regorus can crash, hang or
eat memory on hostile Rego. Talks frames over stdin and stdout: an 8-digit hexadecimal length and
that many bytes. A request is a JSON frame, followed by the input document as a frame of its own
where there are queries; the answer to each query is two frames, `value` or `error` and its text,
sent as soon as it is known, so that the parent can tell at which query a child ended.
It imports nothing of kguard.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

PREFIX = 8


def _read(stream: IO[bytes]) -> bytes | None:
    head = stream.read(PREFIX)
    return stream.read(int(head, 16)) if len(head) == PREFIX else None


def _write(stream: IO[bytes], body: str) -> None:
    encoded = body.encode()
    stream.write(b"%08x" % len(encoded) + encoded)


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    try:
        import resource
    except ImportError:
        return  # Windows: the parent's wall clock remains
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def _load(engine: Any, modules: dict[str, str]) -> dict[str, str]:
    failed = {}
    for path, text in modules.items():
        try:
            engine.add_policy(path, text)
        except RuntimeError as error:
            failed[path] = str(error)
    return failed


def _evaluate(engine: Any, document: bytes, queries: list[str], answers: IO[bytes]) -> None:
    engine.set_input_json(document.decode())
    for query in queries:
        try:
            kind, text = "value", engine.eval_rule_as_json(query)
        except RuntimeError as error:
            kind, text = "error", str(error)
        _write(answers, kind)
        _write(answers, text)
        answers.flush()


def main() -> None:
    """Serve requests until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    limits = json.loads(_read(requests) or b"{}")
    _limit(limits["memory_bytes"], limits["cpu_seconds"])
    import regorus

    engine = regorus.Engine()
    while (frame := _read(requests)) is not None:
        request = json.loads(frame)
        if "modules" in request:
            engine = regorus.Engine()  # added to the old one, the rules would be there twice
            _write(answers, json.dumps(_load(engine, request["modules"])))
            answers.flush()
        else:
            _evaluate(engine, _read(requests) or b"", request["queries"], answers)


if __name__ == "__main__":
    main()
