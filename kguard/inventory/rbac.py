# SPDX-License-Identifier: Apache-2.0
"""Which rights does the input bind to whom?

Authority: Kubernetes' RBAC authorizer (plugin/pkg/auth/authorizer/rbac and
component-helpers/auth/rbac/validation: `*` stands for every verb, group and resource, `*/sub` for a
subresource of all; rules with resourceNames allow these names only, and no request that names
none), the default roles (bootstrappolicy/policy.go, of which only what changes things or runs them
is listed here), and the aggregation of ClusterRoles by labels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kguard.inventory.index import Inventory
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

GROUP = "rbac.authorization.k8s.io"
EVERYWHERE = "*"
_AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


class Rule(NamedTuple):
    """A rule of a role."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    names: tuple[str, ...] = ()

    def allows(self, verbs: Iterable[str], group: str, resource: str, name: str = "") -> bool:
        """Whether it allows one of some verbs on a resource; `name` is that of the object."""
        if "*" not in self.verbs and not {*verbs} & {*self.verbs}:
            return False
        if "*" not in self.groups and group not in self.groups:
            return False
        if self.names and name not in self.names:
            return False
        _, slash, subresource = resource.partition("/")
        wide = {"*", resource, *([f"*/{subresource}"] if slash else [])}
        return bool(wide & {*self.resources})

    @property
    def is_total(self) -> bool:
        """Whether it allows everything."""
        return all("*" in some for some in self[:3]) and not self.names


class Subject(NamedTuple):
    """Somebody who is bound to a role."""

    kind: str
    name: str
    namespace: str = ""
    """Of a ServiceAccount."""

    def __str__(self) -> str:
        if self.kind == "ServiceAccount":
            return f"system:serviceaccount:{self.namespace}:{self.name}"
        return self.name


class Grant(NamedTuple):
    """The rights that one binding gives to one subject."""

    subject: Subject
    rules: tuple[Rule, ...]
    namespace: str
    """In which they hold, or `EVERYWHERE`."""
    binding: Manifest
    place: str
    """JSON pointer of the subject inside the binding."""
    role: Manifest | None
    """None for a role that the input does not hold: a default role, or one without rights here."""

    def reaches(self, namespace: str) -> bool:
        """Whether the rights hold in a namespace; the empty name is for cluster-scoped objects."""
        return self.namespace in (EVERYWHERE, namespace)


def grants(inventory: Inventory) -> Iterator[Grant]:
    """Every binding of the input, once for each of its subjects."""
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        for binding in inventory.of(kind, GROUP):
            yield from _of_binding(inventory, binding)


def _of_binding(inventory: Inventory, binding: Manifest) -> Iterator[Grant]:
    reference = strings(binding.object.get("roleRef"))
    name, kind = reference.get("name", ""), reference.get("kind", "")
    role = inventory.find(kind, GROUP, "" if kind == "ClusterRole" else binding.namespace, name)
    rules = tuple(_rules(inventory, kind, name, role))
    where = EVERYWHERE if binding.kind == "ClusterRoleBinding" else binding.namespace
    for index, entry in enumerate(sequence(binding.object.get("subjects"))):
        fields = strings(entry)
        kind, name = fields.get("kind", ""), fields.get("name", "")
        home = fields.get("namespace") or binding.namespace
        if kind and name:
            subject = Subject(kind, name, home if kind == "ServiceAccount" else "")
            place = pointer("subjects", index)
            yield Grant(subject, rules, where, binding, place, role)


def _rules(inventory: Inventory, kind: str, name: str, role: Manifest | None) -> Iterator[Rule]:
    if role is not None:
        yield from map(_rule, sequence(role.object.get("rules")))
    if kind != "ClusterRole":
        return
    if role is None:
        yield from DEFAULT_ROLES.get(name, ())
    for other in inventory.of("ClusterRole", GROUP):
        if other is not role and _is_aggregated(role, name, other):
            yield from map(_rule, sequence(other.object.get("rules")))


def _is_aggregated(role: Manifest | None, name: str, other: Manifest) -> bool:
    """Whether a ClusterRole's rules are part of another one's."""
    if role is None:
        wanted = _DEFAULT_PARTS.get(name, ())
        return any(other.labels.get(f"{_AGGREGATE}{part}") == "true" for part in wanted)
    chosen = mapping(role.object.get("aggregationRule")).get("clusterRoleSelectors")
    return any(_selects(selector, other) for selector in sequence(chosen))


def _selects(selector: Any, role: Manifest) -> bool:
    try:
        parsed = parse_selector(selector)
    except InvalidSelectorError:
        return False
    return parsed is not None and parsed.matches(role.labels)


def _rule(value: Any) -> Rule:
    fields = mapping(value)
    lists = (fields.get(key) for key in ("verbs", "apiGroups", "resources", "resourceNames"))
    return Rule(*(tuple(text for text in sequence(one) if isinstance(text, str)) for one in lists))


_CHANGES = ("create", "update", "patch", "delete", "deletecollection")
_CORE = (
    *("pods", "configmaps", "secrets", "services", "endpoints", "serviceaccounts"),
    *("persistentvolumeclaims", "replicationcontrollers", "pods/exec", "pods/attach"),
    *("pods/portforward", "pods/proxy", "services/proxy", "pods/eviction"),
)
_EDIT = (
    Rule(_CHANGES, ("",), _CORE),
    Rule(("get",), ("",), ("pods/exec", "pods/attach", "pods/portforward", "pods/proxy")),
    Rule(_CHANGES, ("apps",), ("daemonsets", "deployments", "replicasets", "statefulsets")),
    Rule(_CHANGES, ("batch",), ("jobs", "cronjobs")),
)
_ADMIN = (*_EDIT, Rule(_CHANGES, (GROUP,), ("roles", "rolebindings")))
DEFAULT_ROLES: dict[str, tuple[Rule, ...]] = {
    "cluster-admin": (Rule(("*",), ("*",), ("*",)),),
    "admin": _ADMIN,
    "edit": _EDIT,
}
_DEFAULT_PARTS = {"admin": ("admin", "edit", "view"), "edit": ("edit", "view"), "view": ("view",)}
