# SPDX-License-Identifier: Apache-2.0
"""Which inputs and settings do all commands share, and how are they read?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from kguard import layers
from kguard.cli import left_out, values
from kguard.cli.output import note
from kguard.config import Config, discover, read
from kguard.engine.base import Engine
from kguard.engine.remembering import RememberingEngine
from kguard.errors import SourceError, UsageError
from kguard.model.manifests import Collected
from kguard.scan import Options
from kguard.sources.falco_rules import add_base_rules, is_remote

F = TypeVar("F", bound=Callable[..., Any])


def input_options(function: F) -> F:
    """The options that name inputs and say what may be taken for granted."""
    for option in reversed(_INPUTS):
        function = option(function)
    return function


def judge_options(function: F) -> F:
    """The options that say what is judged, and how."""
    for option in reversed(_JUDGE):
        function = option(function)
    return function


def registry_options(function: F) -> F:
    """The options that say where signatures are looked for."""
    for option in reversed(REGISTRY_OPTIONS):
        function = option(function)
    return function


def cache_options(function: F) -> F:
    """The options that say where answers of registries are kept."""
    for option in reversed(CACHE_OPTIONS):
        function = option(function)
    return function


_INPUTS = (
    click.argument("inputs", nargs=-1),
    click.option(
        "-n", "--namespace", metavar="NS", help="The namespace of objects that name none."
    ),
    click.option(
        "--context",
        "contexts",
        multiple=True,
        metavar="NAME",
        help="Read a live cluster; `scan` takes several.",
    ),
    click.option("--all-contexts", is_flag=True, help="Read every cluster of the kubeconfig."),
    click.option(
        "--snapshot",
        "snapshots",
        multiple=True,
        metavar="FILE",
        help="Read a cluster's state that `snapshot` wrote; `scan` takes several.",
    ),
    click.option(
        "--overlay",
        "overlays",
        multiple=True,
        metavar="PATH",
        help="Judge these manifests as applied on top of everything else; repeatable.",
    ),
    click.option("--config", metavar="FILE", help="Settings, instead of the nearest kguard.yaml."),
    click.option(
        "--assume",
        multiple=True,
        metavar="KEY=VALUE",
        help=f"What to take for granted about the cluster: {', '.join(values.ASSUMABLE)}.",
    ),
    click.option(
        "--scope",
        type=click.Choice(["app", "cluster"]),
        help="cluster: the input is a whole cluster, so that absence is a finding.",
    ),
    click.option(
        "--render",
        type=click.Choice(["auto", "never"]),
        default="auto",
        help="Render charts and kustomizations with the binaries on PATH.",
    ),
    click.option(
        "--flows",
        "flow_files",
        multiple=True,
        metavar="FILE",
        help="Connections that are meant (kguard-flows.yaml) or were seen (Hubble, Falco, Istio).",
    ),
    click.option(
        "--falco-rules",
        "falco_rules",
        multiple=True,
        metavar="FILE|oci://REF",
        help="The rules that come with Falco, in the order of loading; oci:// asks the registry.",
    ),
    click.option(
        "--falco-metrics",
        is_flag=True,
        help="Ask the Falcos of a live cluster which rules they have loaded (get pods/proxy).",
    ),
    click.option("--online", is_flag=True, help="Renderers may fetch what they need."),
    click.option("--offline", is_flag=True, help="Refuse every option that needs the network."),
    click.option("--no-fast-yaml", is_flag=True, help="Read every document on the exact path."),
    click.option("--read-secrets", is_flag=True, help="Read Secrets of a live cluster, too."),
    click.option("--at", metavar="TIME", help="The time of the scan (RFC 3339); default now."),
    click.option("-q", "--quiet", is_flag=True, help="No progress and no notes on stderr."),
)

CACHE_OPTIONS = (
    click.option(
        "--cache", metavar="DIR", help="Where answers of registries are kept; else the XDG folder."
    ),
    click.option("--no-cache", is_flag=True, help="Keep and believe no earlier answers."),
)
REGISTRY_OPTIONS = (
    click.option("--registry", is_flag=True, help="Ask registries for signatures."),
    *CACHE_OPTIONS,
    click.option(
        "--evidence",
        "evidence_dirs",
        multiple=True,
        metavar="DIR",
        help="Signatures in a folder: an OCI layout or what `images collect` wrote.",
    ),
)
_JUDGE = (
    click.option(
        "--layer",
        "layer_names",
        multiple=True,
        type=click.Choice(layers.NAMES),
        help="Judge this layer only; repeatable.",
    ),
    click.option("--policy", "policies", multiple=True, metavar="ID", help="Run only this policy."),
    click.option(
        "--policies",
        "policy_dirs",
        multiple=True,
        metavar="DIR",
        help="Run your own policies beside the shipped ones.",
    ),
    click.option("--engine", type=click.Choice(["embedded", "opa"]), default="embedded"),
    click.option("--opa-url", metavar="URL", help="The OPA server for --engine opa."),
    click.option("--opa-ca", metavar="FILE", help="The CA of the OPA server."),
    click.option("--waivers", "waivers_file", metavar="FILE", help="Accepted findings."),
    click.option(
        "--baseline",
        "baseline_file",
        metavar="FILE",
        help="An earlier report (JSON); `scan` takes rev:REV as well, and judges that revision.",
    ),
    *REGISTRY_OPTIONS,
    click.option(
        "--trusted-root",
        "trust_roots",
        multiple=True,
        metavar="FILE",
        help="A trusted_root.json or a public key to verify signatures with.",
    ),
)


def settings(arguments: dict[str, Any]) -> Config:
    """The configuration that applies to the inputs.

    Raises:
        ConfigError: the file is wrong.
    """
    if arguments.get("config"):
        return read(Path(arguments["config"]))
    start = next((Path(name) for name in arguments["inputs"] if Path(name).exists()), Path())
    found = discover(start)
    return read(found) if found else Config()


def options(arguments: dict[str, Any], config: Config) -> Options:
    """What the user asked for, from the command line and the configuration.

    Raises:
        UsageError: an option has a value that makes no sense.
    """
    inputs = arguments["inputs"]
    scope = arguments.get("scope") or config.scope
    chosen = arguments.get("layer_names") or (
        (*config.layers, "manifests") if config.layers else layers.NAMES
    )
    _stay_offline(arguments)
    waivers = config.path(config.waivers) if config.waivers else ""
    baseline = config.path(config.baseline) if config.baseline else ""
    values.existing("--evidence", arguments.get("evidence_dirs") or ())
    values.trust_files(arguments.get("trust_roots") or ())
    return Options(
        config=config,
        scope=scope or ("cluster" if live(arguments) else "app"),
        at=values.time(arguments.get("at")),
        layers=tuple(name for name in layers.NAMES if name in chosen),
        policies=tuple(arguments.get("policies") or ()),
        policy_dirs=tuple(arguments.get("policy_dirs") or ()),
        namespace=values.namespace(arguments, config),
        assume=values.assumptions(arguments.get("assume") or ()),
        evidence_dirs=tuple(arguments.get("evidence_dirs") or ()),
        trust_roots=tuple(arguments.get("trust_roots") or ()),
        registry=bool(arguments.get("registry")),
        cache=values.cache_folder(arguments),
        progress=None if arguments.get("quiet") else note,
        waivers_file=arguments.get("waivers_file") or waivers,
        baseline_file=arguments.get("baseline_file") or baseline,
        inputs=tuple(inputs),
    )


def _stay_offline(arguments: dict[str, Any]) -> None:
    if not arguments.get("offline"):
        return
    if arguments.get("registry") or arguments.get("online"):
        raise UsageError("--offline excludes --registry and --online")
    if any(is_remote(name) for name in arguments.get("falco_rules") or ()):
        raise UsageError("--offline excludes --falco-rules oci://...", hint="name a file")


def live(arguments: dict[str, Any]) -> bool:
    """Whether a cluster is read, or a snapshot of one."""
    return any(arguments.get(name) for name in ("contexts", "all_contexts", "snapshots"))


def collect(arguments: dict[str, Any], config: Config, *, report: bool = False) -> Collected:
    """Read every input.

    Args:
        arguments: the options of the command.
        config: the settings.
        report: whether the caller reports what could not be read, even if it is everything; else
            it is said on stderr.

    Raises:
        UsageError: no input is named, or a path does not exist.
        SourceError: a source cannot be read at all.
    """
    from kguard import sources
    from kguard.sources.flows import add_flows

    _stay_offline(arguments)
    found = sources.collect(_named(arguments, config), _reading(arguments, config))
    named = arguments.get("falco_rules") or map(config.path, config.falco.rules)
    add_base_rules(named, found)
    configured_flows = [config.subject(name) for name in config.flows]
    add_flows([*configured_flows, *(arguments.get("flow_files") or ())], found)
    if report:
        return found
    if not found.looked_at and found.unreadable and not live(arguments):
        first = found.unreadable[0]
        raise SourceError(first.reason, where=first.source, hint=first.hint)
    left_out.tell(found, arguments)
    return found


def _reading(arguments: dict[str, Any], config: Config) -> Any:
    """How the user wants the input to be read."""
    from kguard import sources

    wanted = [pattern for name in layers.NAMES for pattern in layers.load(name).files]
    return sources.Options(
        patterns=tuple(wanted),
        include=config.include,
        exclude=config.exclude,
        render=arguments.get("render", "auto"),
        online=bool(arguments.get("online")),
        fast_yaml=not arguments.get("no_fast_yaml"),
        namespace=values.namespace(arguments, config),
        releases=tuple(_release(config, release) for release in config.helm),
        contexts=values.contexts(arguments),
        kubeconfig=arguments.get("kubeconfig") or "",
        snapshot=next(iter(arguments.get("snapshots") or ()), ""),
        overlays=tuple(arguments.get("overlays") or ()),
        read_secrets=bool(arguments.get("read_secrets")),
        pull_secrets=bool(arguments.get("read_secrets") and arguments.get("registry")),
        settled=arguments.get("settled"),
        known=arguments.get("known"),
        listed=arguments.get("listed"),
        falco_metrics=bool(arguments.get("falco_metrics")),
    )


def _named(arguments: dict[str, Any], config: Config) -> list[str]:
    """The files to read: those that are named, else those of the settings; none for a cluster."""
    configured = () if live(arguments) else config.inputs
    inputs = list(arguments["inputs"]) or [config.subject(name) for name in configured]
    clusters = len(values.contexts(arguments)) + len(arguments.get("snapshots") or ())
    if not inputs and not clusters:
        raise UsageError("nothing to read", hint="name a file or folder, `-`, or --context NAME")
    if clusters + bool(inputs) > 1:
        raise UsageError(
            "this reads one cluster, or files",
            hint="`kguard scan` takes several clusters, but no files beside them; --overlay "
            "applies files on top of a cluster",
        )
    return inputs


def _release(config: Config, release: Any) -> Any:
    from kguard import sources

    return sources.Release(
        chart=config.subject(release.chart),
        name=release.name,
        namespace=release.namespace,
        values=tuple(config.subject(name) for name in release.values),
        set=release.set,
        kubernetes=release.kubernetes,
    )


def layer_facts(name: str, arguments: dict[str, Any]) -> Any:
    """The facts document of one layer on the inputs.

    Raises:
        KguardError: as `settings`, `options` and `collect`.
    """
    from kguard.scan import compute, inventory_of

    config = settings(arguments)
    collected = collect(arguments, config)
    chosen = msgspec.structs.replace(options(arguments, config), layers=(name,))
    return compute(inventory_of(collected, chosen), chosen)[name]


@contextmanager
def open_engine(arguments: dict[str, Any], *, remembering: bool = False) -> Iterator[Engine]:
    """The engine that was asked for, closed afterwards.

    Args:
        arguments: the options of the command.
        remembering: whether much of what it is asked will be the same as before.

    Raises:
        KguardError: as `start_engine`.
    """
    engine = start_engine(arguments)
    if remembering:
        engine = RememberingEngine(partial(start_engine, arguments), engine)
    try:
        yield engine
    finally:
        engine.close()


def start_engine(arguments: dict[str, Any]) -> Engine:
    """The engine that was asked for; the caller closes it.

    Raises:
        UsageError: `--engine opa` without a URL.
        EngineError: the engine cannot be started or reached.
    """
    if arguments.get("engine") == "opa":
        from kguard.engine.opa_server import OpaEngine

        if not arguments.get("opa_url"):
            raise UsageError("--engine opa needs --opa-url", hint="--opa-url http://127.0.0.1:8181")
        return OpaEngine(arguments["opa_url"], ca_file=arguments.get("opa_ca") or "")
    from kguard.engine.embedded import EmbeddedEngine

    return EmbeddedEngine()
