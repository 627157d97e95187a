# SPDX-License-Identifier: Apache-2.0
"""How does `kguard admit` answer an AdmissionReview?"""

from __future__ import annotations

import sys
from typing import Any

import click

from kguard import admission
from kguard.cli.gating import denial_options
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import write_json
from kguard.model.manifests import Collected
from kguard.scan import Judged, scan


@click.command("admit")
@input_options
@judge_options
@denial_options
def command(fail_on: str | None, *, allow_incomplete: bool, **arguments: Any) -> int:
    """Answer the AdmissionReview (v1) on stdin, with a cluster's state as context.

    The exit code is 0 whenever there is an answer; `response.allowed` is the verdict.

    \b
    Examples:
      kguard admit --snapshot prod.kguard.gz < review.json
      kguard admit deploy/ --fail-on medium < review.json
    """
    request = admission.read(sys.stdin.buffer.read(admission.MAX_REVIEW_BYTES + 1))
    config = settings(arguments)
    chosen = options(arguments, config)

    def judge(state: Collected, asked: frozenset[str] | None) -> Judged:
        with open_engine(arguments) as engine:
            return scan(state, chosen, engine, asked=asked)

    context = admission.Context(
        collect(arguments, config),
        judge,
        gate=fail_on or config.fail_on,
        allow_unknown=allow_incomplete,
    )
    write_json(admission.Answer(admission.decide(request, context)))
    return 0
