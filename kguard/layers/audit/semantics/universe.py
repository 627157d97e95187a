# SPDX-License-Identifier: Apache-2.0
"""Which boxes of the request space does a family of management operations fill?

Authority: k8s.io/apiserver pkg/endpoints/request/requestinfo.go (which requests carry a name and
a namespace) and the resources of `resources.py`. For Namespace objects the namespace attribute is
the object's own name, except for create and list (recorded from a 1.36.3 server).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kguard.layers.audit.semantics.families import (
    ANY,
    CONNECTING,
    EXAMPLES,
    NOISE,
    UNMANAGED,
    Family,
    Limit,
    Noise,
    Select,
)
from kguard.layers.audit.semantics.policy import LEVELS, Policy
from kguard.layers.audit.semantics.profile import DEFAULT, Profile
from kguard.layers.audit.semantics.region import split, subtract
from kguard.layers.audit.semantics.resources import (
    ANY_VERSION,
    READS,
    WRITES,
    Catalogue,
    Resource,
)
from kguard.layers.audit.semantics.space import (
    HTTP_VERBS,
    RESOURCE_VERBS,
    Box,
    Names,
    Piece,
    Space,
)

_COLLECTION = frozenset({"list", "watch", "deletecollection"})


def space_of(policy: Policy, profile: Profile = DEFAULT, served: Catalogue = ANY_VERSION) -> Space:
    """The request space in which all families can be told apart."""
    selects = [select for family in profile.families for select in family.selects]
    selects += [select for limit in profile.limits for select in limit.selects]
    return Space(
        policy,
        Names(
            users=tuple(user for noise in NOISE for user in noise.users),
            user_groups=tuple(group for noise in NOISE for group in noise.user_groups),
            groups=_named(
                dict.fromkeys(r.group for r in served.resources),
                (select.groups for select in selects),
            ),
            resources=_named(
                (r.resource for r in served.resources),
                (EXAMPLES.values(), *(select.resources for select in selects)),
            ),
            subresources=_named(
                (r.subresource for r in served.resources if r.subresource),
                (filter(None, select.subresources) for select in selects),
            ),
            namespaces=tuple(namespace for noise in NOISE for namespace in noise.namespaces),
            examples={**EXAMPLES, **_examples(served)},
            served=served,
        ),
    )


def region_of(space: Space, family: Family, limits: Iterable[Limit] = ()) -> list[Box]:
    """The requests of a family, without the noise that may be dropped.

    Requests whose content must stay out of the log (`limits`) are not asked for with content.
    """
    if family.ending == "failed_login":
        every = Select((ANY,), (ANY,), (ANY,), RESOURCE_VERBS)
        nobody = space.users.mask([None])
        return [box._replace(user=nobody) for box in select_region(space, every)]
    boxes = [box for select in family.selects for box in select_region(space, select)]
    for noise in NOISE:
        for piece in noise_pieces(space, noise):
            boxes = [rest for box in boxes for rest in subtract(space, box, piece)]
    if family.wide:
        for piece in _capped(space, family, limits):
            boxes = [rest for box in boxes for rest in subtract(space, box, piece)]
    return boxes


def _capped(space: Space, family: Family, limits: Iterable[Limit]) -> Iterator[Piece]:
    """The requests whose ceiling is lower than the floor of the family."""
    for select in (select for limit in limits for select in limit.selects):
        if LEVELS.index(select.ceiling) < LEVELS.index(family.floor):
            yield from (Piece(box, 0) for box in select_region(space, select))


def select_region(space: Space, select: Select) -> list[Box]:
    """The requests of authenticated (or anonymous) users that a selection is about."""
    chosen = (resource for resource in space.served.resources if _selected(select, resource))
    built_in = [box for found in chosen for box in _served(space, found, select.verbs)]
    return [*_merged(built_in), *_merged(_custom(space, select))]


def _merged(boxes: Iterable[Box]) -> list[Box]:
    """The same region in fewer boxes: those that differ in verbs or resources only are joined."""
    by_verb: dict[Box, int] = {}
    for box in boxes:
        key = box._replace(verb=0)
        by_verb[key] = by_verb.get(key, 0) | box.verb
    joined: dict[Box, int] = {}
    for key, verbs in by_verb.items():
        frame = key._replace(verb=verbs, resource=0)
        joined[frame] = joined.get(frame, 0) | key.resource
    return [frame._replace(resource=resources) for frame, resources in joined.items()]


def noise_pieces(space: Space, noise: Noise) -> list[Piece]:
    """A noise entry as conditions."""
    box = _resource_box(space)._replace(
        verb=space.verbs.mask(noise.verbs),
        group=space.groups.mask([noise.group]),
        resource=space.resources.mask(noise.resources),
    )
    if noise.namespaces:
        box = box._replace(namespace=space.namespaces.mask(noise.namespaces))
    if noise.users:
        box = box._replace(user=space.users.mask(noise.users))
    return [Piece(box, space.user_groups.mask(noise.user_groups))]


def noise_region(space: Space, noise: Noise) -> list[Box]:
    """The requests that a noise entry is about, as its components really send them."""
    wanted = Select((noise.group,), noise.resources, ("",), noise.verbs)
    return [
        ordinary
        for box in select_region(space, wanted)
        for piece in noise_pieces(space, noise)
        for part in split(space, box, piece)[0]
        for ordinary in space.ordinary(part)
    ]


def occurring(space: Space) -> list[Box]:
    """All requests that can occur at all, failed logins and non-resource paths included."""
    every = Select((ANY,), (ANY,), (ANY,), RESOURCE_VERBS)
    served = (*_merged(_all_built_in(space)), *_merged(_custom(space, every)))
    resources = [box._replace(user=space.users.full) for box in served]
    http = [v for v in space.verbs.symbols if v is not None and v == v.lower()]
    verbs = space.verbs.mask([*HTTP_VERBS, *http]) & ~space.verbs.mask([""])
    other = space.everything._replace(path=space.paths.full & ~1, verb=verbs)
    return [*resources, other]


def _all_built_in(space: Space) -> Iterator[Box]:
    for resource in space.served.resources:
        yield from _served(space, resource, RESOURCE_VERBS, everything=True)


def _resource_box(space: Space) -> Box:
    return space.everything._replace(path=1)


def _selected(select: Select, resource: Resource) -> bool:
    if ANY not in select.groups and resource.group not in select.groups:
        return False
    if ANY not in select.resources and resource.resource not in select.resources:
        return False
    if ANY not in select.subresources:
        return resource.subresource in select.subresources
    return (
        (resource.group, resource.resource) not in UNMANAGED
        and resource.subresource not in CONNECTING
        and not resource.review
    )


def _served(
    space: Space, resource: Resource, wanted: Iterable[str], *, everything: bool = False
) -> Iterator[Box]:
    """The requests about a built-in resource with these verbs, as far as they are served."""
    every = {*WRITES, *READS, "proxy", ""}
    verbs = [verb for verb in wanted if verb in (every if everything else resource.verbs)]
    box = _resource_box(space)._replace(
        group=space.groups.mask([resource.group]),
        resource=space.resources.mask([resource.resource]),
        subresource=space.subresources.mask([resource.subresource]),
        user=space.users.without(None),
    )
    own = resource.resource == "namespaces"
    inside = space.namespaces.without("") if resource.namespaced or own else 0
    outside = space.namespaces.mask([""])
    yield from _shapes(space, box, verbs, inside or outside, outside)


def _shapes(
    space: Space, box: Box, verbs: list[str], namespace: int, all_namespaces: int
) -> Iterator[Box]:
    """Requests with and without a name, and about collections, differ in their attributes."""
    nameless, named = space.names.mask([""]), space.names.without("")
    is_object = box.subresource == space.subresources.mask([""])
    own_namespace = box.resource == space.resources.mask(["namespaces"])
    created = nameless if is_object else named
    where = all_namespaces if own_namespace and is_object else namespace
    for verb in verbs:
        part = box._replace(verb=space.verbs.mask([verb]), namespace=where, name=created)
        if verb in _COLLECTION and is_object:
            wide = where if verb == "deletecollection" else where | all_namespaces
            yield part._replace(namespace=wide, name=space.names.full)
        elif verb == "create":
            yield part
        elif verb not in _COLLECTION:
            yield part._replace(namespace=namespace, name=named)


def _custom(space: Space, select: Select) -> Iterator[Box]:
    """The requests about resources that are in no list of Kubernetes'.

    Those of all other groups, and where the server's version is not known, what else may be in
    Kubernetes' own groups.
    """
    box = _resource_box(space)._replace(user=space.users.without(None))
    if ANY not in select.resources:
        box = box._replace(resource=space.resources.mask(select.resources))
    groups = space.groups.without(*space.served.groups)
    if ANY not in select.groups:
        groups &= space.groups.mask(select.groups)
    elif not space.served.complete:
        known = (resource.resource for resource in space.served.resources)
        unknown = box.resource & space.resources.without(*known)
        own = box._replace(group=space.groups.mask(space.served.groups), resource=unknown)
        yield from _unlisted(space, select, own)
    yield from _unlisted(space, select, box._replace(group=groups))


def _unlisted(space: Space, select: Select, box: Box) -> Iterator[Box]:
    """All requests of a selection about resources of which nothing is known but their names."""
    if not box.group or not box.resource:
        return
    every, main = space.namespaces.full, space.subresources.mask([""])
    if ANY in select.subresources or "" in select.subresources:
        main_box = box._replace(subresource=main)
        yield from _shapes(space, main_box, list(select.verbs), every, every)
    below = space.subresources.mask(filter(None, select.subresources))
    if ANY in select.subresources:
        below = space.subresources.without("")
    if below:
        verbs = space.verbs.mask(select.verbs) & ~space.verbs.mask(_COLLECTION)
        yield box._replace(subresource=below, verb=verbs, name=space.names.without(""))


def _examples(served: Catalogue) -> dict[str, str]:
    """A resource of each custom group that is known."""
    names = sorted(name for name in served.custom if not name[2])
    return {group: resource for group, resource, _ in reversed(names)}


def _named(first: Iterable[str], lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    more = [value for values in lists for value in values if value != ANY]
    return tuple(dict.fromkeys([*first, *more]))
