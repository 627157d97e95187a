# SPDX-License-Identifier: Apache-2.0
"""How does the killable child evaluate policies?

Runs as a script under `python -I`, with memory and time limits, because regorus can crash, hang or
eat memory on hostile Rego. Talks JSON lines with 8-digit length prefixes over stdin and stdout.
It imports nothing of kguard.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

PREFIX = 8


def _read(stream: IO[bytes]) -> Any:
    head = stream.read(PREFIX)
    if len(head) < PREFIX:
        return None
    return json.loads(stream.read(int(head, 16)))


def _write(stream: IO[bytes], value: Any) -> None:
    body = json.dumps(value).encode()
    stream.write(b"%08x" % len(body) + body)
    stream.flush()


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


def _evaluate(engine: Any, document: str, queries: list[str]) -> dict[str, Any]:
    engine.set_input_json(document)
    results: dict[str, Any] = {}
    for query in queries:
        try:
            results[query] = {"value": engine.eval_rule_as_json(query)}
        except RuntimeError as error:
            results[query] = {"error": str(error)}
    return results


def main() -> None:
    """Serve requests until stdin ends."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    limits = _read(requests)
    _limit(limits["memory_bytes"], limits["cpu_seconds"])
    import regorus

    engine = regorus.Engine()
    while (request := _read(requests)) is not None:
        if "modules" in request:
            _write(answers, _load(engine, request["modules"]))
        else:
            _write(answers, _evaluate(engine, request["input"], request["queries"]))


if __name__ == "__main__":
    main()
