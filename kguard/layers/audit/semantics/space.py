# SPDX-License-Identifier: Apache-2.0
"""Which requests can a policy tell apart?

Authority: k8s.io/apiserver pkg/audit/policy/checker.go. All its predicates are equality,
membership, prefixes of paths and three patterns of resources, so every dimension of a request
falls into finitely many classes: the constants that the policy (or the question) names, and
"anything else". A set of classes is a bit mask, and a statement about all classes holds for every
user, resource and namespace, also those that do not exist yet.

A request carries a set of groups: each named group is a boolean, held by `must` and `must_not`,
constrained by what the API server guarantees (everybody but `system:anonymous` is in
`system:authenticated`, a service account is in `system:serviceaccounts` ...).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from kguard.layers.audit.semantics.evaluate import Attributes, path_matches
from kguard.layers.audit.semantics.policy import GroupResources, Policy, Rule
from kguard.layers.audit.semantics.resources import ANY_VERSION, Catalogue

OTHER = "\x00other"
"""The symbol of "anything that is not named"."""

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
SERVICE_ACCOUNTS = "system:serviceaccounts"
NODES = "system:nodes"
_ACCOUNT_PREFIX = "system:serviceaccount:"
_NODE_PREFIX = "system:node:"

RESOURCE_VERBS = (
    *("create", "patch", "update", "delete", "deletecollection", "get", "list", "watch"),
    *("proxy", ""),
)
_COLLECTION_VERBS = ("list", "watch", "deletecollection")
HTTP_VERBS = ("get", "post", "put", "patch", "delete", "head", "options")


class Box(NamedTuple):
    """A product of sets of classes; the last two are sets of groups."""

    path: int
    """Bit 0 stands for requests about resources, the others for non-resource paths."""
    verb: int
    group: int
    resource: int
    subresource: int
    namespace: int
    name: int
    user: int
    must: int = 0
    must_not: int = 0


AXES = 8
"""How many fields of a box are sets of classes of requests."""


class Piece(NamedTuple):
    """A condition: a box, and (where not 0) at least one of these groups."""

    box: Box
    any_of: int


class Axis:
    """The classes of one dimension, in order of preference for examples."""

    def __init__(self, symbols: Iterable[str | None]) -> None:
        self.symbols: list[str | None] = list(dict.fromkeys(symbols))
        self._bits = {symbol: 1 << index for index, symbol in enumerate(self.symbols)}
        self.full = (1 << len(self.symbols)) - 1

    def mask(self, values: Iterable[str | None]) -> int:
        """The set of these symbols; ones that are not on the axis are left out."""
        found = 0
        for value in values:
            found |= self._bits.get(value, 0)
        return found

    def mask_of(self, value: str | None) -> int:
        """The class that a concrete value belongs to."""
        return self._bits.get(value) or self._bits.get(OTHER, 0)

    def without(self, *values: str | None) -> int:
        """Every class but these."""
        return self.full & ~self.mask(values)

    def first(self, mask: int) -> str | None:
        """The preferred symbol of a set that is not empty."""
        return self.symbols[(mask & -mask).bit_length() - 1]

    def members(self, mask: int) -> list[str | None]:
        """The symbols of a set."""
        return [s for index, s in enumerate(self.symbols) if mask >> index & 1]


class Names(NamedTuple):
    """The constants that a question names besides the policy's own."""

    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    examples: Mapping[str, str] = {}
    """A resource of an API group, for examples of requests."""
    served: Catalogue = ANY_VERSION
    """What the API server serves."""


class Space:
    """The classes of requests that a policy (and a question) can tell apart."""

    def __init__(self, policy: Policy, names: Names) -> None:
        self._examples = names.examples
        self.served = names.served
        rules = policy.rules
        entries = [entry for rule in rules for entry in rule.resources]
        wanted = [_pattern(text) for entry in entries for text in entry.resources]
        users = filter(None, _all(r.users for r in rules))
        self.users = Axis([OTHER, *users, *names.users, ANONYMOUS, None])
        self.verbs = Axis([*RESOURCE_VERBS, *HTTP_VERBS, OTHER, *_all(r.verbs for r in rules)])
        self.groups = Axis([*names.groups, OTHER, *_all([e.group] for e in entries)])
        self.resources = Axis([*names.resources, OTHER, *(r for r, _ in wanted if r)])
        self.subresources = Axis(["", *names.subresources, OTHER, *(s for _, s in wanted if s)])
        spaces = [*_all(r.namespaces for r in rules), *names.namespaces]
        self.namespaces = Axis([OTHER, *(n for n in spaces if n), ""])
        objects = [*_all(e.resource_names for e in entries), *names.names]
        self.names = Axis([OTHER, *(n for n in objects if n), ""])
        self.paths = Axis([OTHER, *_paths([u for r in rules for u in r.non_resource_urls])])
        self.user_groups = Axis(
            [
                *(AUTHENTICATED, UNAUTHENTICATED, SERVICE_ACCOUNTS, NODES),
                *filter(None, _all(r.user_groups for r in rules)),
                *names.user_groups,
            ]
        )
        self._certain = {bit: self._membership(user) for bit, user in self._user_bits()}
        self._pieces: dict[int, tuple[Rule, list[Piece]]] = {}

    def _user_bits(self) -> Iterator[tuple[int, str | None]]:
        for index, user in enumerate(self.users.symbols):
            yield 1 << index, user

    def _membership(self, user: str | None) -> tuple[int, int]:
        """The groups that a user is certainly in, and those that he is certainly not in."""
        axis = self.user_groups
        if user is None:
            return 0, axis.full
        if user == ANONYMOUS:
            return axis.mask([UNAUTHENTICATED]), axis.without(UNAUTHENTICATED)
        certain = {AUTHENTICATED}
        if user.startswith(_ACCOUNT_PREFIX):
            namespace = user.split(":")[2]
            certain |= {SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{namespace}"}
        if user.startswith(_NODE_PREFIX):
            certain.add(NODES)
        return axis.mask(certain), axis.mask([UNAUTHENTICATED])

    @property
    def everything(self) -> Box:
        """Every combination of classes, also of verbs that cannot occur."""
        return Box(
            self.paths.full,
            self.verbs.full,
            self.groups.full,
            self.resources.full,
            self.subresources.full,
            self.namespaces.full,
            self.names.full,
            self.users.full,
        )

    def real(self, box: Box) -> Box | None:
        """The part of a box whose users can be in its groups; None if there is none."""
        must, must_not = self._implied(box.must), box.must_not
        if must & must_not:
            return None
        users = box.user
        if must or must_not:
            for bit, (certain, never) in self._certain.items():
                if users & bit and (certain & must_not or never & must):
                    users &= ~bit
        return box._replace(user=users, must=must) if users else None

    def ordinary(self, box: Box) -> list[Box]:
        """The requests of a box whose users are in no more groups than they must be.

        The box names its users, or a group: then its nodes or service accounts are meant.
        """
        named = box.user & self.users.without(OTHER, None)
        if not box.must:
            bits = {bit: groups for bit, (groups, _) in self._certain.items() if named & bit}
            return [self._only(box, bit, groups) for bit, groups in bits.items()]
        group = self.user_groups.members(box.must)[-1] or ""
        home = group.removeprefix(f"{SERVICE_ACCOUNTS}:")
        prefix = _NODE_PREFIX if group == NODES else f"{_ACCOUNT_PREFIX}{home}:"
        own = [user for user in self.users.members(box.user) if user and user.startswith(prefix)]
        certain = {AUTHENTICATED, group} | ({SERVICE_ACCOUNTS} if group != NODES else set())
        users = box.user & self.users.mask([OTHER, *own])
        return [self._only(box, users, self.user_groups.mask(certain))]

    def _only(self, box: Box, users: int, groups: int) -> Box:
        """The requests of some users who are in none but these groups."""
        return box._replace(user=users, must_not=self.user_groups.full & ~groups)

    def _implied(self, must: int) -> int:
        for symbol in self.user_groups.members(must):
            if symbol and symbol.startswith(f"{SERVICE_ACCOUNTS}:"):
                must |= self.user_groups.mask([SERVICE_ACCOUNTS])
        return must

    def pieces(self, rule: Rule) -> list[Piece]:
        """The condition of a rule as a union of boxes, worked out once."""
        if id(rule) not in self._pieces:
            self._pieces[id(rule)] = rule, self._of_rule(rule)
        return self._pieces[id(rule)][1]

    def _of_rule(self, rule: Rule) -> list[Piece]:
        box = self.everything
        if rule.users:
            box = box._replace(user=self.users.mask(rule.users))
        if rule.verbs:
            box = box._replace(verb=self.verbs.mask(rule.verbs))
        any_of = self.user_groups.mask(rule.user_groups)
        if rule.user_groups and not any_of:
            return []
        if rule.namespaces or rule.resources:
            box = box._replace(path=1)
        elif rule.non_resource_urls:
            box = box._replace(path=self._urls(rule.non_resource_urls))
        if rule.namespaces:
            box = box._replace(namespace=self.namespaces.mask(rule.namespaces))
        if not rule.resources:
            return [Piece(box, any_of)]
        return [Piece(part, any_of) for entry in rule.resources for part in self._entry(box, entry)]

    def _entry(self, box: Box, entry: GroupResources) -> Iterator[Box]:
        group = self.groups.full if entry.group == "*" else self.groups.mask([entry.group])
        box = box._replace(group=group)
        if not entry.resources:
            yield box
            return
        if entry.resource_names:
            box = box._replace(name=self.names.mask(entry.resource_names))
        for text in entry.resources:
            for resource, subresource in self._resource_sets(text):
                yield box._replace(resource=resource, subresource=subresource)

    def _resource_sets(self, text: str) -> Iterator[tuple[int, int]]:
        every, any_sub = self.resources.full, self.subresources.full
        if text == "*":
            yield every, any_sub
            return
        name, slash, sub = text.partition("/")
        if name == "*" and sub:
            yield every, self.subresources.mask([sub])
        if sub == "*":
            yield self.resources.mask([name]), any_sub
        if not slash or sub:
            yield self.resources.mask([name]), self.subresources.mask([sub])

    def _urls(self, specs: tuple[str, ...]) -> int:
        paths = self.paths.symbols[1:]
        return self.paths.mask(p for p in paths if any(path_matches(p or "", s) for s in specs))

    def holds(self, box: Box, request: Attributes) -> bool:
        """Whether a request belongs to a box (its path, if any, must be on the axis)."""
        groups = self.user_groups.mask(request.groups)
        if box.must & ~groups or box.must_not & groups:
            return False
        if not box.user & self.users.mask_of(request.user):
            return False
        if not box.verb & self.verbs.mask_of(request.verb):
            return False
        if not request.resource_request:
            return bool(box.path & self.paths.mask([request.path]))
        values = (request.api_group, request.resource, request.subresource)
        axes = (self.groups, self.resources, self.subresources, self.namespaces, self.names)
        every = zip(axes, (*values, request.namespace, request.name), box[2:7], strict=True)
        return bool(box.path & 1) and all(mask & axis.mask_of(value) for axis, value, mask in every)

    def example(self, box: Box) -> Attributes:
        """One concrete request of a box."""
        user, groups = self._someone(box)
        path = self.paths.first(box.path)
        if path != OTHER:
            verbs = self.verbs.mask([*HTTP_VERBS, OTHER]) & box.verb
            verb = _fresh(self.verbs, self.verbs.first(verbs or box.verb), "purge")
            return Attributes(user, groups, verb, resource_request=False, path=path or "")
        verb = _fresh(self.verbs, self.verbs.first(box.verb), "purge")
        nameless = self.names.mask([""]) & box.name if verb in _COLLECTION_VERBS else 0
        group, resource = self._kind(box)
        return Attributes(
            user,
            groups,
            verb=verb,
            api_group=group,
            resource=resource,
            subresource=_fresh(
                self.subresources, self.subresources.first(box.subresource), "extra"
            ),
            namespace=_fresh(self.namespaces, self.namespaces.first(box.namespace), "team-a"),
            name=_fresh(self.names, self.names.first(nameless or box.name), "web"),
        )

    def _kind(self, box: Box) -> tuple[str, str]:
        """Group and resource: a pair that the server really has, as far as that is known."""
        first = self.groups.first(box.group) or ""
        groups = [first]
        if first == OTHER:
            groups = [group for group in self._examples if group not in self.groups.symbols]
        for group in groups:
            known = self._examples.get(group, "")
            if known and self.resources.mask_of(known) & box.resource:
                return group, known
        unnamed = self.resources.mask([OTHER]) & box.resource
        resource = self.resources.first(unnamed or box.resource)
        return _fresh(self.groups, first, "example.com"), _fresh(
            self.resources, resource, "widgets"
        )

    def _someone(self, box: Box) -> tuple[str | None, tuple[str, ...]]:
        """A user of the box with his groups."""
        user = self.users.first(box.user)
        must = [group for group in self.user_groups.members(box.must) if group]
        if user is None:
            return None, ()
        if user == OTHER:
            user = self._stranger(must, box.must_not)
        groups = {*must, AUTHENTICATED} if user != ANONYMOUS else {UNAUTHENTICATED}
        if user.startswith(_ACCOUNT_PREFIX):
            groups |= {SERVICE_ACCOUNTS, f"{SERVICE_ACCOUNTS}:{user.split(':')[2]}"}
        if user.startswith(_NODE_PREFIX):
            groups.add(NODES)
        return user, tuple(sorted(groups))

    def _stranger(self, must: list[str], must_not: int) -> str:
        """A user that no rule names, of the kind that the groups tell."""
        if SERVICE_ACCOUNTS not in must:
            name = "system:node:worker-1" if NODES in must else "jane@example.com"
            return _fresh(self.users, OTHER, name)
        prefix = f"{SERVICE_ACCOUNTS}:"
        homes = [group.removeprefix(prefix) for group in must if group.startswith(prefix)]
        forbidden = self.user_groups.members(must_not)
        home = homes[0] if homes else "team-a"
        while not homes and f"{prefix}{home}" in forbidden:
            home += "-x"
        return _fresh(self.users, OTHER, f"{_ACCOUNT_PREFIX}{home}:robot")


def _all(lists: Iterable[Iterable[str]]) -> list[str]:
    """The constants of all lists that can occur in a request: a `*` stands for nothing here."""
    return [value for values in lists for value in values if "*" not in value]


def _pattern(text: str) -> tuple[str, str]:
    """The names in a string of a rule's `resources`; empty where it names none."""
    resource, _, subresource = text.partition("/")
    return ("" if resource == "*" else resource), ("" if subresource == "*" else subresource)


def _paths(specs: list[str]) -> list[str]:
    """One path for each class of non-resource paths that the rules can tell apart."""
    bare = [spec.rstrip("*") if spec.endswith("*") else spec for spec in specs]
    prefixes = [spec.rstrip("*") for spec in specs if spec.endswith("*")]
    longer = [_beyond(prefix or "/", bare) for prefix in ("/", *prefixes)]
    known = {path for path in (*longer, *bare) if path.startswith("/")}
    return sorted(known, key=lambda path: (len(path), path))


def _beyond(prefix: str, specs: list[str]) -> str:
    """A path below a prefix that no longer string of the rules begins like."""
    taken = {s[len(prefix)] for s in specs if s.startswith(prefix) and len(s) > len(prefix)}
    tails = chain("ox-/", map(chr, range(ord("a"), ord("a") + len(taken) + 1)))
    return prefix + next(tail for tail in tails if tail not in taken)


def _fresh(axis: Axis, symbol: str | None, name: str) -> str:
    """The symbol, or for "anything else" a name that is not on the axis."""
    if symbol != OTHER:
        return symbol or ""
    while name in axis.symbols:
        name += "-x"
    return name
