# SPDX-License-Identifier: Apache-2.0
"""Which event sources and fields does an engine have, given its plugins?

Authority: falcosecurity/falco userspace/falco/app/actions/init_inspectors.cpp (fields of a source),
the sources that the plugins of falcosecurity/plugins declare, and the release notes of 0.44.0.
"""

from __future__ import annotations

import msgspec

from kguard.layers.runtime.semantics.fields import GENERIC_PROVIDER, UNKNOWN_PROVIDER


class Engine(msgspec.Struct, frozen=True):
    """What differs between the rules engines of Falco's releases."""

    version: tuple[int, int, int]
    has_modifiers: bool = True
    """`startswith oneof (...)` and the like, in conditions and exceptions."""
    warns_of_keys: bool = True
    """LOAD_UNKNOWN_KEY."""


ENGINES = {
    (0, 42): Engine((0, 57, 0), has_modifiers=False, warns_of_keys=False),
    (0, 43): Engine((0, 58, 0), has_modifiers=False, warns_of_keys=False),
    (0, 44): Engine((0, 62, 0)),
}
"""By release of Falco; `falco --version` prints the engine's."""
NEWEST = ENGINES[0, 44]

SYSCALL = "syscall"
K8S_AUDIT = "k8s_audit"

_AUDIT_PLUGINS = frozenset(
    {"k8saudit", "k8saudit-aks", "k8saudit-eks", "k8saudit-gke", "k8saudit-ovh"}
)
_SYSCALL_PLUGINS = frozenset({"container", "k8smeta"})
_ANY_SOURCE = frozenset({"json"})
KNOWN_PLUGINS = _AUDIT_PLUGINS | _SYSCALL_PLUGINS | _ANY_SOURCE
"""Plugins whose fields are recorded."""


class Environment(msgspec.Struct, frozen=True):
    """What an engine has loaded beside the rules."""

    plugins: frozenset[str]
    engine: Engine = NEWEST
    assumed: bool = False
    """Whether no configuration says which plugins are loaded."""
    versions: tuple[tuple[str, str], ...] = ()
    """The versions of plugins, by name, as far as they are written."""

    @property
    def loaded(self) -> dict[str, str]:
        """The version of each loaded plugin; empty where it is not known."""
        known = dict(self.versions)
        return {name: known.get(name, "") for name in sorted(self.plugins)}

    @property
    def _has_unknown(self) -> bool:
        return not self.plugins <= KNOWN_PLUGINS

    def has_source(self, source: str) -> bool:
        """Whether events of the source exist; plugins that are not recorded may have any."""
        if source == SYSCALL:
            return True
        if source == K8S_AUDIT:
            return bool(self.plugins & _AUDIT_PLUGINS)
        return self._has_unknown

    def providers(self, source: str) -> frozenset[str]:
        """Who provides fields for events of a source."""
        found = set(self.plugins & _ANY_SOURCE)
        if source == SYSCALL:
            found |= {"engine", *(self.plugins & _SYSCALL_PLUGINS)}
        else:
            found.add(GENERIC_PROVIDER)
        if source == K8S_AUDIT and self.plugins & _AUDIT_PLUGINS:
            found.add("k8saudit")
        if self._has_unknown:
            found.add(UNKNOWN_PROVIDER)
        return frozenset(found)


EVERY_PLUGIN = Environment(KNOWN_PLUGINS, assumed=True)
"""An engine with all recorded plugins: what can be assumed when no configuration is known."""
