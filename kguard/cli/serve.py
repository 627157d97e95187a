# SPDX-License-Identifier: Apache-2.0
"""How is `kguard serve` set up?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from kguard.cli import values
from kguard.cli.gating import denial_options
from kguard.cli.inputs import (
    collect,
    input_options,
    judge_options,
    options,
    settings,
    start_engine,
)
from kguard.errors import UsageError
from kguard.serve.log import log
from kguard.serve.running import run
from kguard.serve.settings import MODES, ON_TIMEOUT, Serving, Setup, set_up
from kguard.serve.tls import Files
from kguard.serve.views import View

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_PORTS = 65536
_FIXED = ("inputs", "snapshots", "overlays", "flow_files", "falco_rules")
"""Inputs that are read once."""


@click.command("serve")
@input_options
@judge_options
@click.option("--listen", metavar="ADDRESS:PORT", default="0.0.0.0:8443", show_default=True)
@click.option("--tls-cert", type=_FILE, required=True, help="The certificate chain (PEM).")
@click.option("--tls-key", type=_FILE, required=True, help="Its key (PEM).")
@click.option("--client-ca", type=_FILE, help="Take reviews only from clients of this CA.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    default="enforce",
    show_default=True,
    help="warn: admit, and tell the user; dry-run: admit, and count.",
)
@click.option(
    "--on-timeout",
    type=click.Choice(ON_TIMEOUT),
    default="allow",
    show_default=True,
    help="What happens to requests that cannot be judged in time; allow gives a warning.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0.1, 29.0),
    default=8.0,
    show_default=True,
    help="Seconds for one request; less where the API server waits less.",
)
@click.option(
    "--max-concurrent",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Requests at a time; more are answered as by --on-timeout.",
)
@click.option(
    "--max-body-memory",
    type=click.IntRange(16, 4096),
    default=64,
    show_default=True,
    metavar="MIB",
    help="All bodies at a time; more are refused.",
)
@click.option(
    "--reload-every",
    type=click.FloatRange(0.1, 3600.0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How often certificates, policies and settings are looked at.",
)
@denial_options
def command(**arguments: Any) -> int:
    """Answer AdmissionReviews over HTTPS, as a ValidatingAdmissionWebhook.

    \b
    Examples:
      kguard serve --context in-cluster --tls-cert tls.crt --tls-key tls.key
      kguard serve --snapshot prod.kguard.gz --tls-cert tls.crt --tls-key tls.key --mode warn
    """
    serving = _serving(arguments)
    files = Files(arguments["tls_cert"], arguments["tls_key"], arguments["client_ca"])
    view = View() if _follows(arguments) else View(collect(arguments, settings(arguments)))
    with _following(arguments, view):
        run(serving, files, view, lambda: _setup(arguments))
    return 0


def _follows(arguments: dict[str, Any]) -> bool:
    """Whether the input is a live cluster and nothing else, so that its changes can be watched."""
    named = values.contexts(arguments)
    if not named:
        return False
    if any(arguments[name] for name in _FIXED) or len(named) > 1:
        raise UsageError(
            "serve follows one live cluster and nothing else",
            hint="name one --context, or a --snapshot",
        )
    return True


@contextmanager
def _following(arguments: dict[str, Any], view: View) -> Iterator[None]:
    if not _follows(arguments):
        yield
        return
    from kguard.sources.cluster.watching import Followed, Follower

    followed = Followed(arguments["contexts"][0], read_secrets=bool(arguments.get("read_secrets")))
    follower = Follower(followed, view, lambda text: log("warning", "cluster", reason=text))
    view.follow(follower.lag)
    follower.start()
    try:
        yield
    finally:
        follower.stop()


def _serving(arguments: dict[str, Any]) -> Serving:
    host, _, port = arguments["listen"].rpartition(":")
    if not host or not port.isdigit() or int(port) >= _PORTS:
        raise UsageError("--listen wants ADDRESS:PORT", hint="127.0.0.1:8443, or [::]:8443")
    return Serving(
        host=host.strip("[]"),
        port=int(port),
        mode=arguments["mode"],
        on_timeout=arguments["on_timeout"],
        deadline=arguments["deadline"],
        concurrent=arguments["max_concurrent"],
        memory=arguments["max_body_memory"] << 20,
        reload=arguments["reload_every"],
    )


def _setup(arguments: dict[str, Any]) -> Setup:
    config = settings(arguments)

    return set_up(
        options(arguments, config),
        gate=arguments["fail_on"] or config.fail_on,
        allow_unknown=arguments["allow_incomplete"],
        start=partial(start_engine, arguments),
    )
