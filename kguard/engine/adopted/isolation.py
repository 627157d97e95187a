# SPDX-License-Identifier: Apache-2.0
"""On which objects does a rule fail, so that it can be believed on all others?

At home a function that gets a wrong type is undefined, and the rule says nothing; here that is an
error, because "nothing" would be a pass. The objects that cause it are found by halving the input:
on these the policy is undecided.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.engine.base import Batch, Engine, Failure, Verdict, verdicts
from kguard.model.facts.common import Evidence
from kguard.model.findings import Policy, RawFinding
from kguard.model.manifests import ObjectRef

MAX_EVALUATIONS = 256
"""How often a policy is evaluated before all of its answers are given up."""


def judged(engine: Engine, batch: Batch) -> Iterator[Verdict]:
    """What each policy of a batch of adopted ones found, as far as it can be evaluated."""
    failed: list[Failure] = []
    for verdict in verdicts(engine, batch):
        if verdict.failure:
            failed.append(verdict.failure)
        else:
            yield verdict
    by_id = {policy.id: policy for policy in batch.policies}
    for failure in failed:
        yield from _Halving(engine, batch, by_id[failure.policy]).judged(failure)


class _Halving:
    """One policy on parts of the input."""

    def __init__(self, engine: Engine, batch: Batch, policy: Policy) -> None:
        self._engine, self._batch, self._policy = engine, batch, policy
        self._document = msgspec.json.decode(batch.input)
        self._left = MAX_EVALUATIONS
        self._worked = False

    def judged(self, whole: Failure) -> Iterator[Verdict]:
        """The answers on all objects but those that fail, or the failure of everything."""
        found = list(self._parts(0, len(self._document["subjects"]), whole))
        yield from found if self._worked and self._left > 0 else [Verdict(failure=whole)]

    def _parts(self, first: int, end: int, failure: Failure) -> Iterator[Verdict]:
        """What is found from one subject to another, where all together fail."""
        if end - first == 1:
            yield Verdict((self._undecided(self._document["subjects"][first], failure),))
            return
        middle = (first + end) // 2
        for part in ((first, middle), (middle, end)):
            if part[0] < part[1] and self._left > 0:
                verdict = self._on(*part)
                if verdict.failure:
                    yield from self._parts(*part, verdict.failure)
                else:
                    self._worked = True
                    yield verdict

    def _on(self, first: int, end: int) -> Verdict:
        self._left -= 1
        document = msgspec.json.encode({**self._document, "range": [first, end]})
        part = Batch(self._batch.name, document, (self._policy,))
        died = Failure(self._policy.id, f"{self._policy.file}: the engine gave up on it")
        return next(verdicts(self._engine, part), Verdict(failure=died))

    def _undecided(self, subject: dict[str, object], failure: Failure) -> RawFinding:
        return RawFinding(
            self._policy.id,
            msgspec.convert(subject["ref"], ObjectRef),
            "error",
            f"the policy cannot be decided: {failure.reason}",
            (Evidence(ref=str(subject["id"])),),
            None,
            unknown=True,
        )
