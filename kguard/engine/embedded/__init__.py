# SPDX-License-Identifier: Apache-2.0
"""How are policies evaluated without an OPA server?

By regorus in a child process that is killed when it crashes, hangs or eats memory. Shipped
policies share a child; every user's policy that fails there is tried alone, so that the one to
blame is named and the results of the others stay.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kguard.engine.base import Batch, Failure, queries, require_set
from kguard.engine.embedded.precheck import precheck
from kguard.errors import EngineError
from kguard.model.findings import Policy

MEMORY_BYTES = 4 << 30
CPU_SECONDS = 300
WALL_SECONDS = 120
"""Limits of the child, for one batch where they are times."""

_CHILD = Path(__file__).with_name("child.py")
_PREFIX = 8
_SOURCE_LINE = re.compile(r"-->\s*(\S+?):(\d+):(\d+)")


class ChildDied(Exception):  # noqa: N818 - an outcome, not an error for the user
    """The child crashed or was killed; the message says how."""


class Child:
    """One regorus process."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "RUST_BACKTRACE"}
        self._wall = wall_seconds
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._send({"memory_bytes": MEMORY_BYTES, "cpu_seconds": CPU_SECONDS})

    def _send(self, value: Any) -> None:
        body = json.dumps(value).encode()
        stream = self._process.stdin
        if stream is None:
            raise ChildDied(self._how())
        try:
            stream.write(b"%08x" % len(body) + body)
            stream.flush()
        except BrokenPipeError:
            raise ChildDied(self._how()) from None

    def ask(self, value: Any) -> Any:
        """Send a request and wait for the answer.

        Raises:
            ChildDied: the child crashed or ran out of time.
        """
        from threading import Timer

        timer = Timer(self._wall, self._process.kill)
        timer.start()
        try:
            self._send(value)
            return self._receive()
        finally:
            timer.cancel()

    def _receive(self) -> Any:
        stream = self._process.stdout
        head = stream.read(_PREFIX) if stream else b""
        if not stream or len(head) < _PREFIX:
            raise ChildDied(self._how())
        return json.loads(stream.read(int(head, 16)))

    def _how(self) -> str:
        code = self._process.wait()
        return _deaths(code)

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()


def _deaths(code: int) -> str:
    known = {-9: "it ran out of time", -11: "it crashed", -6: "it ran out of memory"}
    known[-24] = "it used too much processor time"
    return known.get(code, f"it stopped with status {code}")


class EmbeddedEngine:
    """The default engine. Starts its child on construction, so that it warms up meanwhile."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall = wall_seconds
        self._child = Child(wall_seconds)
        self._modules: dict[str, str] = {}
        self._libraries: dict[str, str] = {}

    def load(self, policies: Sequence[Policy], libraries: Mapping[str, str]) -> list[Failure]:
        """Compile policies and libraries; what cannot be compiled is left out and reported."""
        failures = []
        self._libraries = dict(libraries)
        self._modules = dict(libraries)
        for policy in policies:
            reason = None if policy.bundled else precheck(policy.text)
            if reason:
                failures.append(Failure(policy.id, f"{policy.file}: {reason}"))
            else:
                self._modules[policy.file] = policy.text
        by_file = {policy.file: policy.id for policy in policies}
        for path, error in self._compile(policies).items():
            failures.append(Failure(by_file.get(path, path), _sentence(error)))
            self._modules.pop(path, None)
        return failures

    def _compile(self, policies: Sequence[Policy]) -> dict[str, str]:
        try:
            return dict(self._child.ask({"modules": self._modules}))
        except ChildDied:
            return self._compile_one_by_one(policies)

    def _compile_one_by_one(self, policies: Sequence[Policy]) -> dict[str, str]:
        failed: dict[str, str] = {}
        for policy in policies:
            if policy.bundled or policy.file not in self._modules:
                continue
            child = Child(self._wall)
            try:
                child.ask({"modules": {policy.file: policy.text}})
            except ChildDied as death:
                failed[policy.file] = f"the engine gave up on it: {death}"
                self._modules.pop(policy.file)
            finally:
                child.close()
        return failed | self._restart()

    def _restart(self) -> dict[str, str]:
        self._child.close()
        self._child = Child(self._wall)
        try:
            return dict(self._child.ask({"modules": self._modules}))
        except ChildDied as death:
            raise EngineError(f"the embedded Rego engine does not work here: {death}") from None

    def evaluate(self, batch: Batch) -> tuple[dict[str, list[Any]], list[Failure]]:
        """Evaluate a batch; if the child dies, each policy is tried alone."""
        usable = [policy for policy in batch.policies if policy.file in self._modules]
        document = batch.input.decode()
        try:
            answers = self._child.ask(_request(document, usable))
        except ChildDied:
            self._restart()
            return self._one_by_one(document, usable)
        return _sort_out(usable, answers)

    def _one_by_one(
        self, document: str, policies: Sequence[Policy]
    ) -> tuple[dict[str, list[Any]], list[Failure]]:
        results: dict[str, list[Any]] = {}
        failures: list[Failure] = []
        for policy in policies:
            try:
                answers = self._child.ask(_request(document, [policy]))
            except ChildDied as death:
                failures.append(Failure(policy.id, f"{policy.file}: the engine gave up: {death}"))
                self._modules.pop(policy.file)
                self._restart()
                continue
            found, failed = _sort_out([policy], answers)
            results.update(found)
            failures += failed
        return results, failures

    def close(self) -> None:
        """End the child."""
        self._child.close()


def _request(document: str, policies: Sequence[Policy]) -> dict[str, Any]:
    return {"input": document, "queries": [q for policy in policies for q, _ in queries(policy)]}


def _sort_out(
    policies: Sequence[Policy], answers: Mapping[str, Any]
) -> tuple[dict[str, list[Any]], list[Failure]]:
    results: dict[str, list[Any]] = {}
    failures: list[Failure] = []
    for policy in policies:
        for query, _ in queries(policy):
            try:
                results[query] = _members(query, answers[query])
            except EngineError as error:
                failures.append(Failure(policy.id, f"{policy.file}: {error.message}", error.hint))
    return results, failures


def _members(query: str, answer: Mapping[str, str]) -> list[Any]:
    if "error" in answer:
        raise EngineError(_sentence(answer["error"]))
    value = answer["value"]
    return require_set(query, None if value == '"<undefined>"' else json.loads(value))


def _sentence(error: str) -> str:
    """Regorus' many-line message as one sentence with its place."""
    place = _SOURCE_LINE.search(error)
    reasons = [line for line in error.splitlines() if line.startswith("error:")]
    reason = reasons[0].removeprefix("error:").strip() if reasons else error.splitlines()[0]
    return f"{place[1]}:{place[2]}:{place[3]}: {reason}" if place else reason
