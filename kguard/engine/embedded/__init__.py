# SPDX-License-Identifier: Apache-2.0
"""How are policies evaluated without an OPA server?

By regorus in a child process that is killed when it crashes, hangs or eats memory. Shipped
policies and the user's share a child; the one that takes it down is named and left out, and the
results of the others stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from kguard.engine.base import Answers, Batch, Failure, queries, require_set, without
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

    def load(self, policies: Sequence[Policy], libraries: Mapping[str, str]) -> list[Failure]:
        """Compile policies and libraries; what cannot be compiled is left out and reported."""
        shipped = {policy.file for policy in policies if policy.bundled}
        self._modules = dict(libraries) | {policy.file: policy.text for policy in policies}
        broken: dict[str, str] = {}
        for path in self._modules.keys() - shipped:
            if reason := precheck(self._modules[path]):
                broken[path] = f"{path}: {reason}"
        for path in broken:
            self._modules.pop(path)
        for path, error in self._compile(shipped).items():
            broken[path] = _sentence(error)
            self._modules.pop(path, None)
        return self._left_out(policies, broken)

    def _left_out(self, policies: Sequence[Policy], broken: dict[str, str]) -> list[Failure]:
        """What cannot be evaluated: policies, and modules that no policy says it needs."""
        failures = list(without(policies, broken))
        failed = {failure.policy for failure in failures}
        for policy in policies:
            if policy.id in failed:
                self._modules.pop(policy.file, None)
        named = {path for policy in policies for path in (policy.file, *policy.modules)}
        return failures + [Failure(p, broken[p]) for p in sorted(broken.keys() - named)]

    def _compile(self, shipped: set[str]) -> dict[str, str]:
        try:
            return self._child.load(self._modules)
        except ChildDied:
            return self._compile_one_by_one(shipped)

    def _compile_one_by_one(self, shipped: set[str]) -> dict[str, str]:
        failed: dict[str, str] = {}
        for path in self._modules.keys() - shipped:
            child = Child(self._wall)
            try:
                child.load({path: self._modules[path]})
            except ChildDied as death:
                failed[path] = f"the engine gave up on it: {death}"
                self._modules.pop(path)
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

    def evaluate(self, batch: Batch) -> Iterator[tuple[Policy, Answers | Failure]]:
        """Evaluate a batch; a policy that takes the child down is left out and reported."""
        waiting = [policy for policy in batch.policies if policy.file in self._modules]
        singly = False
        while waiting:
            done = 0
            try:
                for policy, answers in self._ask(batch.input, waiting, singly=singly):
                    yield policy, _sorted_out(policy, answers)
                    done += 1
            except ChildDied as death:
                # Memory may have been filled by the policies before: the next gets a second try.
                if singly and (death.timed_out or not done):
                    yield waiting[done], self._given_up(waiting[done], death)
                    done += 1
                singly = True  # only then it is certain at which of them it died
                self._restart()
            waiting = waiting[done:]

    def _ask(
        self, document: bytes, policies: Sequence[Policy], *, singly: bool
    ) -> Iterator[tuple[Policy, dict[str, Answer]]]:
        asked = [query for policy in policies for query, _ in queries(policy)]
        known = self._child.evaluate(document, asked, singly=singly)
        for policy in policies:
            yield policy, dict(islice(known, len([*queries(policy)])))

    def _given_up(self, policy: Policy, death: ChildDied) -> Failure:
        self._modules.pop(policy.file)
        return Failure(policy.id, f"{policy.file}: the engine gave up: {death}")

    def close(self) -> None:
        """End the child."""
        self._child.close()


def _sorted_out(policy: Policy, answers: Mapping[str, Answer]) -> Answers | Failure:
    try:
        return {query: _set(query, answer) for query, answer in answers.items()}
    except EngineError as error:
        return Failure(policy.id, f"{policy.file}: {error.message}", error.hint)


def _set(query: str, answer: Answer) -> bytes:
    if answer.value is None:
        raise EngineError(_sentence(answer.error))
    return require_set(query, None if answer.value == b'"<undefined>"' else answer.value)


def _sentence(error: str) -> str:
    """Regorus' many-line message as one sentence with its place."""
    place = _SOURCE_LINE.search(error)
    reasons = [line for line in error.splitlines() if line.startswith("error:")]
    reason = reasons[0].removeprefix("error:").strip() if reasons else error.splitlines()[0]
    return f"{place[1]}:{place[2]}:{place[3]}: {reason}" if place else reason
