# SPDX-License-Identifier: Apache-2.0
"""Who in the input may impersonate others, or reach what auditing hangs on?

Subjects of the system itself (kube-system's service accounts, `system:` users and groups) hold
such rights by design and are left out, but for the groups that stand for many.
"""

from __future__ import annotations

from typing import NamedTuple

from kguard.inventory import Inventory
from kguard.inventory.rbac import Subject as Bound
from kguard.inventory.rbac import grants
from kguard.layers.audit.semantics.rights import SYSTEM_NAMESPACE, WORDS, routes
from kguard.layers.audit.semantics.space import AUTHENTICATED, SERVICE_ACCOUNTS
from kguard.model.facts import audit as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest

_MANY = ("system:authenticated", "system:unauthenticated", SERVICE_ACCOUNTS)


class Subject(NamedTuple):
    """Somebody who is bound to a role."""

    kind: str
    user: str
    """Empty for a group."""
    groups: tuple[str, ...]

    @property
    def name(self) -> str:
        """How findings call it."""
        return self.user or self.groups[0]


class Held(NamedTuple):
    """A route that a binding opens to a subject."""

    subject: Subject
    route: model.Route
    binding: Manifest
    place: str
    role: Manifest | None


def held(inventory: Inventory) -> list[Held]:
    """Every route that a binding of the input opens, by binding, subject and route."""
    return [
        Held(subject, route, grant.binding, grant.place, grant.role)
        for grant in grants(inventory)
        if (subject := _subject(grant.subject)) is not None
        for route in routes(grant.rules, grant.namespace)
    ]


def defeats(found: list[Held]) -> list[model.Defeat]:
    """Bindings that let somebody hide or switch auditing off, once for each route."""
    return [
        model.Defeat(
            ref=one.binding.ref,
            subject=one.subject.name,
            route=one.route,
            text=f"{one.subject.name} {WORDS[one.route]}",
            because=evidence(one),
        )
        for one in found
    ]


def evidence(one: Held) -> list[Evidence]:
    """The binding, and the role where the input holds it."""
    note = f"binds {one.subject.name}"
    steps = [Evidence(ref=one.binding.id, pointer=one.place, note=note)]
    if one.role is not None:
        steps.append(Evidence(ref=one.role.id, pointer="/rules", note="the rights of the role"))
    return steps


def _subject(found: Bound) -> Subject | None:
    """Somebody whose rights are not those of the system itself."""
    if found.kind == "ServiceAccount":
        home = found.namespace
        if home == SYSTEM_NAMESPACE:
            return None
        groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{home}", AUTHENTICATED)
        return Subject(found.kind, str(found), groups)
    if found.name.startswith("system:") and not found.name.startswith(_MANY):
        return None
    if found.kind == "Group":
        return Subject(found.kind, "", (found.name,))
    return Subject(found.kind, found.name, (AUTHENTICATED,)) if found.kind == "User" else None
