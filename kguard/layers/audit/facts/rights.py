# SPDX-License-Identifier: Apache-2.0
"""Who in the input may impersonate others, or reach what auditing hangs on?

Subjects of the system itself (kube-system's service accounts, `system:` users and groups) hold
such rights by design and are left out, but for the groups that stand for many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from kguard.inventory import Inventory
from kguard.layers.audit.semantics.rights import (
    DEFAULT_ROLES,
    EVERYWHERE,
    SYSTEM_NAMESPACE,
    WORDS,
    Rule,
    routes,
)
from kguard.layers.audit.semantics.space import AUTHENTICATED, SERVICE_ACCOUNTS
from kguard.model.facts import audit as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

RBAC = "rbac.authorization.k8s.io"
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
    bindings = [
        *inventory.of("ClusterRoleBinding", RBAC),
        *inventory.of("RoleBinding", RBAC),
    ]
    return [found for binding in bindings for found in _of_binding(inventory, binding)]


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


def _of_binding(inventory: Inventory, binding: Manifest) -> Iterator[Held]:
    reference = strings(binding.object.get("roleRef"))
    name, kind = reference.get("name", ""), reference.get("kind", "")
    wide = binding.kind == "ClusterRoleBinding"
    namespace = "" if kind == "ClusterRole" else binding.namespace
    role = inventory.find(kind, RBAC, namespace, name)
    rules = tuple(map(_rule, sequence(role.object.get("rules")))) if role else None
    if rules is None:
        rules = DEFAULT_ROLES.get(name, ()) if kind == "ClusterRole" else ()
    opened = routes(rules, EVERYWHERE if wide else binding.namespace)
    for index, entry in enumerate(sequence(binding.object.get("subjects")) if opened else []):
        subject = _subject(strings(entry), binding.namespace)
        if subject is not None:
            place = pointer("subjects", index)
            yield from (Held(subject, route, binding, place, role) for route in opened)


def _rule(value: Any) -> Rule:
    fields = mapping(value)
    lists = (fields.get(key) for key in ("verbs", "apiGroups", "resources", "resourceNames"))
    return Rule(*(tuple(text for text in sequence(one) if isinstance(text, str)) for one in lists))


def _subject(fields: dict[str, str], namespace: str) -> Subject | None:
    kind, name = fields.get("kind", ""), fields.get("name", "")
    if not name:
        return None
    if kind == "ServiceAccount":
        home = fields.get("namespace") or namespace
        if home == SYSTEM_NAMESPACE:
            return None
        groups = (SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{home}", AUTHENTICATED)
        return Subject(kind, f"system:serviceaccount:{home}:{name}", groups)
    if name.startswith("system:") and not name.startswith(_MANY):
        return None
    if kind == "Group":
        return Subject(kind, "", (name,))
    return Subject(kind, name, (AUTHENTICATED,)) if kind == "User" else None
