# SPDX-License-Identifier: Apache-2.0
"""What does a falco.yaml say: rules, outputs, plugins, driver?

Authority: falcosecurity/falco userspace/falco/configuration.cpp (0.44): an absent key has the
engine's default, which for every output is off.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.environment import Environment
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.reader import priority_number
from kguard.layers.runtime.semantics.syscalls import Syscalls
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Scalar, Sequence

DEFAULT_RULES_FILES = (
    "/etc/falco/falco_rules.yaml",
    "/etc/falco/falco_rules.local.yaml",
    "/etc/falco/rules.d",
)
OUTPUTS = ("stdout", "syslog", "file", "program", "http", "grpc")
"""In the order of falco.yaml."""


class Output(msgspec.Struct, frozen=True):
    """One way out for alerts."""

    name: str
    enabled: bool
    target: str = ""
    """URL, file or program."""
    pointer: str = ""
    """JSON pointer of the section inside the configuration."""
    insecure: bool = False
    """Whether any certificate is taken for the receiver's."""


class Settings(msgspec.Struct, frozen=True):
    """What a falco.yaml amounts to."""

    rules_files: tuple[str, ...] = DEFAULT_RULES_FILES
    selections: tuple[Selection, ...] = ()
    minimum: int = len(PRIORITIES) - 1
    """The least urgent priority that is reported, as a place in `PRIORITIES`."""
    minimum_written: bool = False
    json_output: bool = False
    rule_matching: str = "first"
    outputs: tuple[Output, ...] = ()
    plugins: tuple[str, ...] = ()
    plugins_written: bool = False
    engine_kind: str = ""
    syscalls: Syscalls = Syscalls()
    grpc_server: bool = False
    drop_actions: frozenset[str] = frozenset()
    """What Falco does when the kernel's buffer overflowed: `log`, `alert`, `exit`; nothing where
    none is written."""
    measured: bool = False
    """Whether the web server tells metrics, among them what was dropped."""
    queue: int = 0
    """Alerts that wait for slow outputs at most; 0: as many as memory holds. Others are dropped."""

    def output(self, name: str) -> Output:
        """One of the outputs, off where nothing is written."""
        found = (output for output in self.outputs if output.name == name)
        return next(found, Output(name, enabled=False))

    @property
    def environment(self) -> Environment:
        """The plugins that are loaded."""
        return Environment(frozenset(self.plugins))


def read(text: str) -> Mapping | None:
    """The mapping of a configuration file, or None if it is none."""
    try:
        documents = untyped.load(text)
    except untyped.UntypedError:
        return None
    return documents[0] if documents and isinstance(documents[0], Mapping) else None


def settings_of(node: Mapping) -> Settings:
    """What a configuration says; junk counts as absent."""
    minimum = priority_number(_text(node, "priority"))
    plugins = tuple(_plugins(node))
    files = tuple(_texts(node, "rules_files") or _texts(node, "rules_file"))
    written = node.get("rules_files") is not None or node.get("rules_file") is not None
    return Settings(
        rules_files=files if written else DEFAULT_RULES_FILES,
        selections=tuple(_selections(node)),
        minimum=len(PRIORITIES) - 1 if minimum is None else minimum,
        minimum_written=minimum is not None,
        json_output=_flag(node, "json_output"),
        rule_matching=_text(node, "rule_matching") or "first",
        outputs=tuple(_output(node, name) for name in OUTPUTS),
        plugins=plugins,
        plugins_written=node.get("plugins") is not None,
        syscalls=_syscalls(_section(node, "base_syscalls")),
        engine_kind=_text(_section(node, "engine"), "kind"),
        grpc_server=_flag(_section(node, "grpc"), "enabled"),
        drop_actions=frozenset(_texts(_section(node, "syscall_event_drops"), "actions"))
        - {"ignore"},
        measured=_measured(node),
        queue=_number(_section(node, "outputs_queue"), "capacity"),
    )


def _syscalls(node: Mapping) -> Syscalls:
    written = _texts(node, "custom_set")
    return Syscalls(
        added=frozenset(name for name in written if not name.startswith("!")),
        removed=frozenset(name[1:] for name in written if name.startswith("!")),
        everything=_flag(node, "all"),
        repair=_flag(node, "repair"),
    )


def custom_set(text: str) -> list[str]:
    """The entries of `base_syscalls.custom_set`; `!name` takes a system call out."""
    return _texts(_section(read(text) or Mapping(), "base_syscalls"), "custom_set")


def _measured(node: Mapping) -> bool:
    web = _section(node, "webserver")
    served = _flag(web, "enabled") and _flag(web, "prometheus_metrics_enabled")
    return served and _flag(_section(node, "metrics"), "enabled")


def _number(node: Mapping, key: str) -> int:
    """A whole number; 0 for anything else."""
    text = _text(node, key)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


_DIGITS = 18


def _section(node: Mapping, key: str) -> Mapping:
    found = node.get(key)
    return found if isinstance(found, Mapping) else Mapping()


def _text(node: Mapping, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) and not found.is_null else ""


def _texts(node: Mapping, key: str) -> list[str]:
    found = node.get(key)
    if isinstance(found, Scalar):
        return [found.text] if found.text and not found.is_null else []
    items = found.items if isinstance(found, Sequence) else []
    return [item.text for item in items if isinstance(item, Scalar)]


def _flag(node: Mapping, key: str) -> bool:
    found = node.get(key)
    return isinstance(found, Scalar) and found.boolean() is True


_TARGETS = {"file": "filename", "program": "program", "http": "url"}


def _output(node: Mapping, name: str) -> Output:
    section = _section(node, f"{name}_output")
    target = _text(section, _TARGETS[name]) if name in _TARGETS else ""
    enabled, insecure = _flag(section, "enabled"), _flag(section, "insecure")
    return Output(name, enabled, target, f"/{name}_output", insecure)


def _plugins(node: Mapping) -> Iterator[str]:
    """The names of loaded plugins: those of `load_plugins`, or all where it is not written."""
    entries = node.get("plugins")
    names = [
        _text(entry, "name")
        for entry in (entries.items if isinstance(entries, Sequence) else [])
        if isinstance(entry, Mapping)
    ]
    wanted = node.get("load_plugins")
    if not isinstance(wanted, Sequence):
        yield from names
        return
    chosen = _texts(node, "load_plugins")
    yield from (name for name in names if name in chosen)


def _selections(node: Mapping) -> Iterator[Selection]:
    steps = node.get("rules")
    for step in steps.items if isinstance(steps, Sequence) else []:
        if not isinstance(step, Mapping):
            continue
        for action in ("enable", "disable"):
            what = _section(step, action)
            for by in ("rule", "tag"):
                pattern = _text(what, by)
                if pattern:
                    yield Selection(action, by, pattern)


def from_arguments(arguments: list[str]) -> list[Selection]:
    """What `-D`, `-T` and `-t` of the command line select (falco options.cpp)."""
    found: list[Selection] = []
    pairs = list(zip(arguments, [*arguments[1:], ""], strict=False))
    only = [value for option, value in pairs if option == "-t"]
    if only:
        found.append(Selection("disable", "rule", "*"))
        found += [Selection("enable", "tag", value) for value in only]
    for option, value in pairs:
        if option == "-D":
            found.append(Selection("disable", "rule", f"*{value}*"))
        elif option == "-T":
            found.append(Selection("disable", "tag", value))
    return found
