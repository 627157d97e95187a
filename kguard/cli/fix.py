# SPDX-License-Identifier: Apache-2.0
"""How is `kguard fix` told what to write, and what does it say?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    open_engine,
    options,
    settings,
)
from kguard.cli.output import clean, note, write
from kguard.errors import UsageError


@click.command("fix")
@input_options
@judge_options
@click.option("--out", default="remedies", metavar="DIR", help="Where remedies and proof go.")
@click.option(
    "--patch",
    metavar="FILE",
    help="Write everything as one patch, too, for `git apply` in this folder.",
)
@click.option("--in-place", is_flag=True, help="Edit existing files, too.")
@click.option(
    "--stage",
    type=click.Choice(["observe", "warn", "enforce"]),
    default="enforce",
    help="How far a staged rollout goes where enforcement can cut traffic.",
)
@click.option(
    "--policy-kind",
    type=click.Choice(["NetworkPolicy", "CiliumNetworkPolicy", "CalicoNetworkPolicy"]),
    default="NetworkPolicy",
    help="In which kind of object connections are restricted.",
)
@click.option("--tighten", is_flag=True, help="Cut flows that are allowed but never referenced.")
def command(
    out: str,
    *,
    patch: str | None,
    in_place: bool,
    stage: Any,
    tighten: bool,
    policy_kind: Any,
    **arguments: Any,
) -> int:
    """Write the manifests that close the findings, with a proof beside them.

    \b
    Examples:
      kguard fix deploy/ --out remedies/
      kguard fix deploy/ --policy network/open-to-cluster --in-place
    """
    from kguard.remediation import plan as planning
    from kguard.remediation import write as writing
    from kguard.scan import scan

    if in_place and any(name == "-" or name.startswith("rev:") for name in arguments["inputs"]):
        raise UsageError(
            "--in-place edits files, not a git revision or standard input",
            hint="apply the .patch files that are written without it",
        )
    config = settings(arguments)
    chosen = _whole(options(arguments, config))
    with open_engine(arguments) as engine:
        judged = scan(collect(arguments, config), chosen, engine)

        def scan_as(collected: Any, assume: Any) -> Any:
            other = {**chosen.assume, **assume}
            return scan(collected, replace(chosen, assume=other, layers=("network",)), engine)

        plan = planning.make(
            judged,
            lambda collected: scan(collected, chosen, engine),
            planning.Wishes(stage=stage, tighten=tighten, policy_kind=policy_kind),
            scan_as,
        )
    for output in writing.write(plan, Path(out)):
        click.echo(clean(f"{out}/{output.name}  {output.what}"))
    if patch:
        _patch(plan, patch)
    for name in writing.edit_in_place(plan.applied) if in_place else ():
        click.echo(clean(f"{name}  edited"))
    _summary(plan.proof)
    return 1 if plan.proof.refused else 0


def _patch(plan: Any, destination: str) -> None:
    from kguard.remediation.bundle import bundle

    found = bundle(plan)
    write(found.text, destination)
    for name in found.left_out:
        note(f"{name}: not in the patch")


def _whole(chosen: Any) -> Any:
    """The same policies on the facts of every layer: a remedy may harm what nobody asked about."""
    from kguard import layers
    from kguard.scan import select

    ids = tuple(policy.id for policy in select(chosen))
    return replace(chosen, layers=layers.NAMES, policies=ids) if ids else chosen


def _mesh(edges: Any) -> str:
    return f"{edges.allowed_after} of {edges.intended} intended calls work through the mesh"


def _summary(proof: Any) -> None:
    from kguard.reporters.text import number_of

    flows = proof.flows
    total = len(proof.closes) + len(proof.remaining)
    rows = (
        ("closes", f"{len(proof.closes)} of {number_of(total, 'findings')}"),
        ("keeps", f"{flows.allowed_after} of {number_of(flows.intended, 'intended flows')}"),
        *([("undecided", f"{flows.undecided} of them")] if flows.undecided else []),
        *([("mesh", _mesh(proof.edges))] if proof.edges.intended else []),
        ("weakens", _some(proof.weakens)),
        ("opens", _some(proof.opens)),
        *_said("causes", proof.lesser_findings, "below medium"),
        *_said("leaves", proof.next_findings, "for the next rung"),
        ("second run", "empty" if proof.second_run_empty else "not empty: see PROOF.md"),
        ("refuses", _some(proof.refused)),
        ("cannot", _some(proof.cannot)),
    )
    click.echo()
    for name, text in rows:
        click.echo(f"{name:12}{text}")


def _said(name: str, entries: tuple[Any, ...], what: str) -> list[tuple[str, str]]:
    return [(name, f"{len(entries)} {what} (see PROOF.md)")] if entries else []


def _some(entries: tuple[Any, ...]) -> str:
    return f"{len(entries)} (see PROOF.md)" if entries else "nothing"
