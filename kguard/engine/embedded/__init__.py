# SPDX-License-Identifier: Apache-2.0
"""How are policies evaluated without an OPA server?

By regorus in a child process that is killed when it crashes, hangs or eats memory. Shipped
policies and the user's share a child; the one that takes it down is named and left out, and the
results of the others stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from kguard.engine.base import Batch, Failure, queries, require_set
from kguard.engine.embedded.precheck import precheck
from kguard.engine.embedded.process import WALL_SECONDS, Answer, Child, ChildDied
from kguard.errors import EngineError
from kguard.model.findings import Policy

_SOURCE_LINE = re.compile(r"-->\s*(\S+?):(\d+):(\d+)")


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
            return self._child.load(self._modules)
        except ChildDied:
            return self._compile_one_by_one(policies)

    def _compile_one_by_one(self, policies: Sequence[Policy]) -> dict[str, str]:
        failed: dict[str, str] = {}
        for policy in policies:
            if policy.bundled or policy.file not in self._modules:
                continue
            child = Child(self._wall)
            try:
                child.load({policy.file: policy.text})
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
            return self._child.load(self._modules)
        except ChildDied as death:
            raise EngineError(f"the embedded Rego engine does not work here: {death}") from None

    def evaluate(self, batch: Batch) -> tuple[dict[str, list[Any]], list[Failure]]:
        """Evaluate a batch; a policy that takes the child down is left out and reported."""
        waiting = [policy for policy in batch.policies if policy.file in self._modules]
        results: dict[str, list[Any]] = {}
        failures: list[Failure] = []
        while waiting:
            answers, death = self._ask(batch.input, _queries(waiting))
            done = [p for p in waiting if all(query in answers for query, _ in queries(p))]
            waiting = waiting[len(done) :]
            found, failed = _sort_out(done, answers)
            results.update(found)
            failures += failed
            # Memory may have been filled by the policies before: the next one gets a second try.
            if death and (death.timed_out or not done):
                blamed = waiting.pop(0)
                failures.append(Failure(blamed.id, f"{blamed.file}: the engine gave up: {death}"))
                self._modules.pop(blamed.file)
            if death:
                self._restart()
        return results, failures

    def _ask(
        self, document: bytes, asked: Sequence[str]
    ) -> tuple[dict[str, Answer], ChildDied | None]:
        answers: dict[str, Answer] = {}
        try:
            for query, answer in self._child.evaluate(document, asked):
                answers[query] = answer  # noqa: PERF403 - what was answered before a death counts
        except ChildDied as death:
            return answers, death
        return answers, None

    def close(self) -> None:
        """End the child."""
        self._child.close()


def _queries(policies: Sequence[Policy]) -> list[str]:
    return [query for policy in policies for query, _ in queries(policy)]


def _sort_out(
    policies: Sequence[Policy], answers: Mapping[str, Answer]
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


def _members(query: str, answer: Answer) -> list[Any]:
    if answer.value is None:
        raise EngineError(_sentence(answer.error))
    undefined = answer.value == b'"<undefined>"'
    return require_set(query, None if undefined else json.loads(answer.value))


def _sentence(error: str) -> str:
    """Regorus' many-line message as one sentence with its place."""
    place = _SOURCE_LINE.search(error)
    reasons = [line for line in error.splitlines() if line.startswith("error:")]
    reason = reasons[0].removeprefix("error:").strip() if reasons else error.splitlines()[0]
    return f"{place[1]}:{place[2]}:{place[3]}: {reason}" if place else reason
