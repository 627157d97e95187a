# SPDX-License-Identifier: Apache-2.0
"""How does `kguard runtime events` read alerts and say whose they are?"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import click

from kguard.cli.inputs import collect, options, settings
from kguard.cli.output import clean, note, write_json
from kguard.errors import KguardError, SourceError, UsageError

if TYPE_CHECKING:
    from kguard.inventory import Inventory
    from kguard.layers.runtime.alerts.alert import Alert
    from kguard.layers.runtime.alerts.intake import Intake
    from kguard.layers.runtime.alerts.lines import Entry
    from kguard.layers.runtime.alerts.tally import Summary

_DURATION = re.compile(r"([1-9]\d{0,8})(s|m|h|d)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@click.command("events")
@click.argument("events", nargs=-1, metavar="[FILE]...")
@click.option(
    "-i",
    "--inventory",
    "inputs",
    multiple=True,
    metavar="PATH",
    help="Whose pods alert: manifests.",
)
@click.option("--context", "contexts", multiple=True, metavar="NAME", help="The same, live.")
@click.option("--listen", metavar="HOST:PORT", help="Receive alerts over HTTP.")
@click.option("--token-file", metavar="FILE", help="What who posts must show.")
@click.option(
    "--grpc", "endpoint", metavar="ENDPOINT", help="Ask the gRPC server of Falco <= 0.43."
)
@click.option("--follow", is_flag=True, help="With --grpc: stay, and read what comes.")
@click.option("--tls-cert", metavar="FILE", default="", help="Our certificate (PEM).")
@click.option("--tls-key", metavar="FILE", default="", help="Its key.")
@click.option("--tls-ca", metavar="FILE", default="", help="Who signs the other side's.")
@click.option("--since", metavar="TIME", help="Only alerts from this time on (RFC 3339).")
@click.option("--priority", "least", metavar="NAME", default="debug", help="The least grave.")
@click.option("--window", metavar="DURATION", help="Count by windows of 10m, 1h, 1d ...")
@click.option("--for", "duration", metavar="DURATION", help="Stop listening after 30s, 10m ...")
@click.option("-o", "--output", "form", type=click.Choice(["txt", "json", "jsonl"]), default="txt")
def events(form: str, **arguments: Any) -> int:
    """Read Falco's alerts, and say which workload each is about.

    FILE is a log with `json_output: true`, `-` for stdin; pod logs and .gz files are read as they
    are. The PolicyReports that Falcosidekick writes are read from the inventory. With jsonl every
    alert is printed as it comes; txt and json count. Alerts are evidence of what happened; no
    alert is evidence of nothing.

    \b
    Examples:
      kubectl logs -n falco ds/falco | kguard runtime events - -i cluster/
      kguard runtime events --listen 127.0.0.1:2802 --for 1h -i cluster/ -o jsonl
      kguard runtime events --grpc unix:///run/falco/falco.sock --follow
    """
    from kguard.layers.runtime.alerts.intake import Intake

    inventory = _inventory(arguments)
    intake = Intake(
        inventory.workloads if inventory else (),
        window=_duration("--window", arguments["window"]),
        least=_least(arguments["least"]),
        since=_since(arguments["since"]),
        show=click.echo if form == "jsonl" else None,
    )
    for entry in _lying(arguments, inventory):
        intake.take(entry)
    if arguments["listen"] or arguments["endpoint"]:
        _stay(arguments, intake)
    summary = intake.summary()
    _finish(summary, form)
    return 3 if summary.unreadable else 0


def _least(name: str) -> str:
    from kguard.layers.runtime.alerts.alert import PRIORITIES, NotAnAlertError, priority_of

    try:
        return priority_of(name)
    except NotAnAlertError as error:
        raise UsageError(f"--priority: {error}", hint=", ".join(PRIORITIES).lower()) from None


def _since(text: str | None) -> int:
    from kguard.layers.runtime.alerts.alert import nanoseconds

    if not text:
        return 0
    found = nanoseconds(f"{text}T00:00:00Z") if _DAY.fullmatch(text) else nanoseconds(text)
    if found is None:
        raise UsageError(f"--since {text} is no time", hint="write 2026-11-23T12:00:00Z")
    return found


def _duration(option: str, text: str | None) -> int:
    if not text:
        return 0
    found = _DURATION.fullmatch(text)
    if not found:
        raise UsageError(f"{option} {text} is no duration", hint="write 30s, 10m, 2h or 1d")
    return int(found[1]) * _SECONDS[found[2]]


def _inventory(arguments: dict[str, Any]) -> Inventory | None:
    from kguard.scan import inventory_of

    if not arguments["inputs"] and not arguments["contexts"]:
        return None
    chosen = settings(arguments)
    return inventory_of(collect(arguments, chosen), options(arguments, chosen))


def _lying(arguments: dict[str, Any], inventory: Inventory | None) -> Iterator[Entry]:
    """What lies in files and PolicyReports."""
    from kguard.layers.runtime.alerts.lines import entries
    from kguard.layers.runtime.alerts.reports import reported

    asked = arguments["events"] or arguments["listen"] or arguments["endpoint"]
    if not asked and inventory is None:
        raise UsageError("no alerts to read", hint="name a log, `-`, --listen, --grpc or -i PATH")
    if arguments["follow"] and not arguments["endpoint"]:
        raise UsageError("--follow needs --grpc", hint="--listen stays anyway")
    for name in arguments["events"]:
        yield from entries(name)
    if inventory is not None:
        yield from (entry for entry, _ in reported(inventory))


def _stay(arguments: dict[str, Any], intake: Intake) -> None:
    """Take what arrives until it ends, the time is over or a signal comes."""
    limit = _duration("--for", arguments["duration"]) or None
    with ExitStack() as stack:
        stop = stack.enter_context(_stopped_by_signals())
        problems: list[KguardError] = []
        if arguments["listen"]:
            _listen(arguments, intake, stack)
        if arguments["endpoint"]:
            alerts = _client(arguments, stack, stop)
            done = None if arguments["listen"] else stop
            Thread(target=_pump, args=(alerts, intake, done, problems), daemon=True).start()
        stop.wait(limit)
        stop.set()
    if problems:
        raise problems[0]


@contextmanager
def _stopped_by_signals() -> Iterator[Event]:
    """An event that the first interrupt sets, so that what was taken is still counted."""
    stop = Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _client(arguments: dict[str, Any], stack: ExitStack, stop: Event) -> Iterator[Alert]:
    from kguard.layers.runtime.alerts.falco_grpc import Credentials, FalcoGrpc

    pem = Credentials(arguments["tls_ca"], arguments["tls_cert"], arguments["tls_key"])
    client = FalcoGrpc(arguments["endpoint"], pem)
    stack.callback(client.close)
    note(f"Falco {client.version()} at {arguments['endpoint']}")
    return client.subscribe(stop) if arguments["follow"] else client.waiting()


def _pump(
    alerts: Iterator[Alert], intake: Intake, done: Event | None, problems: list[KguardError]
) -> None:
    """Take alerts until there are no more; without `done` others come from elsewhere, too."""
    try:
        for alert in alerts:
            intake.take(alert)
    except KguardError as error:
        problems.append(error)
        if done is None:
            note(f"{error}; still listening")
    if done is not None:
        done.set()


def _listen(arguments: dict[str, Any], intake: Intake, stack: ExitStack) -> None:
    from kguard.layers.runtime.alerts.receiver import Receiver, Security

    token = _token(arguments["token_file"])
    security = Security(token, arguments["tls_cert"], arguments["tls_key"], arguments["tls_ca"])
    receiver = Receiver(arguments["listen"], intake.take, security)
    stack.callback(receiver.close)
    receiver.start()
    note(f"listening on port {receiver.port}")


def _token(name: str | None) -> str:
    if not name:
        return ""
    try:
        found = Path(name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot be read: {error}", where=name) from None
    if not found:
        raise UsageError("the token is empty", where=name)
    return found


def _finish(summary: Summary, form: str) -> None:
    if form == "json":
        write_json(summary)
        return
    if form == "txt":
        for group in summary.groups:
            place = group.workload or ", ".join(group.hosts) or "-"
            window = f"{group.window[:19]}  " if group.window else ""
            line = f"{window}{group.priority:13} {group.count:>7}  {group.rule}  {place}"
            click.echo(clean(f"{line}  (last {group.last[:19]}Z)"))
    for reason in summary.reasons:
        note(f"not read: {reason}")
    note(_counts(summary))


def _counts(summary: Summary) -> str:
    parts = [_number(summary.events, "alert")]
    parts += [f"{summary.drops} say that Falco missed events"] if summary.drops else []
    parts += [f"{summary.duplicates} delivered twice"] if summary.duplicates else []
    parts += [_number(summary.unreadable, "unreadable line")] if summary.unreadable else []
    parts += [_number(summary.text, "line") + " of text"] if summary.text else []
    parts += [f"{summary.ungrouped} beyond what is grouped"] if summary.ungrouped else []
    if not summary.events and summary.text:
        parts.append("alerts in JSON need `json_output: true` in falco.yaml")
    return "; ".join(parts)


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
