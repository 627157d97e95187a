# SPDX-License-Identifier: Apache-2.0
"""Which shape have the facts about the manifests as such?"""

from __future__ import annotations

from typing import Literal

import msgspec

from kguard.model.facts.common import Evidence, Presence, Scope
from kguard.model.manifests import ObjectRef

TrapClass = Literal["repeated_key", "merge", "lost_text", "guessed_value", "odd_text"]
"""How readers of YAML come to disagree: a key twice, a merge key, text that some readers never
see, a value whose type is guessed, line breaks and encodings."""

Weight = Literal["security", "other"]
"""Whether the object itself is a protection."""


class Ambiguity(msgspec.Struct):
    """A place of an object that readers understand differently."""

    ref: ObjectRef
    subject: str
    """The object in words."""
    trap: str
    trap_class: TrapClass
    weight: Weight
    path: str
    detail: str
    because: list[Evidence]


class Problem(msgspec.Struct):
    """Why an object is not stored as it is written."""

    ref: ObjectRef
    subject: str
    sort: Literal["unknown_field", "invalid", "internal", "unknown_kind", "wrong_scope"]
    effect: Literal["refused", "ignored"]
    """What happens with it: refused as a whole, or dropped without a word."""
    weight: Weight
    path: str
    detail: str
    because: list[Evidence]


class Template(msgspec.Struct):
    """Something that is not what the deployer will send: a template that nobody rendered."""

    ref: ObjectRef
    subject: str
    detail: str
    because: list[Evidence]


Together = Literal["certain", "possible"]
"""Whether the definitions are applied together: one rendering or file, or files of one folder."""


class Duplicate(msgspec.Struct):
    """An object that is defined twice with different content."""

    ref: ObjectRef
    subject: str
    together: Together
    weight: Weight
    detail: str
    because: list[Evidence]


class Reference(msgspec.Struct):
    """A name of another object that the input does not hold."""

    ref: ObjectRef
    subject: str
    path: str
    to: str
    because: list[Evidence]


class Unlisted(msgspec.Struct):
    """An object whose file lies beside a kustomization that does not list it."""

    ref: ObjectRef
    subject: str
    weight: Weight
    kustomization: str
    because: list[Evidence]


class Facts(msgspec.Struct):
    """The facts document of the family `manifests`."""

    scope: Scope
    presence: Presence
    objects: int
    ambiguities: list[Ambiguity]
    problems: list[Problem]
    templates: list[Template]
    duplicates: list[Duplicate]
    references: list[Reference]
    unlisted: list[Unlisted]
