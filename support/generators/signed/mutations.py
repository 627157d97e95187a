# SPDX-License-Identifier: Apache-2.0
"""How is a sound signature damaged? One field or two, or a part of another signature in its place.

Texts that hold more (base64, JSON in base64, JSON in an annotation) are opened first, so that the
change can lie in what is signed, in what signs it, or in what nobody signs.
"""

from __future__ import annotations

import base64
import binascii
import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from support.generators.signed.cases import KEYLESS, SIGNER, STRANGER, Case, pki, policy_of
from support.generators.signed.images import TIME, Repository, Signed, sign
from support.generators.signed.pki import Wish

_SPLICES, _PAIRS, _MANIFESTS = 0.25, 0.15, 0.08
_DEEPEST = 4


def mutated_cases(form: str, seed: int, count: int) -> Iterator[Case]:
    """Damaged signatures of one format."""
    for number in range(count):
        random = Random(f"{form} {seed} {number}")
        mode = random.choice(("referrers", "fallback"))
        repository = Repository(f"acme/{form}-{seed}-{number}", mode)
        digest = repository.image(f"{form} {number % 7}")
        signed = sign(form, pki("acme"), digest, SIGNER)
        what, manifest = _damage(signed, form, digest, random)
        signed.store(repository, manifest)
        yield Case(
            id=f"{form}.{seed}.{number} {what}",
            expected="",
            repository=repository,
            digest=digest,
            key=None if form in KEYLESS else SIGNER,
            policy=policy_of(form),
        )


def _damage(signed: Signed, form: str, digest: str, random: Random) -> tuple[str, dict[str, Any]]:
    chance = random.random()
    if chance < _SPLICES:
        return _splice(signed, _donor(form, digest, random), random), {}
    if chance > 1 - _MANIFESTS:
        key = random.choice(("artifactType", "config", "annotations", "schemaVersion", "subject"))
        return f"manifest {key}", {key: random.choice((None, {}, "x", 7, []))}
    changes = 2 if chance < _SPLICES + _PAIRS else 1
    return " and ".join(_change(signed.document, random) for _ in range(changes)), {}


def _donor(form: str, digest: str, random: Random) -> Signed:
    """Another signature: of another image, signer, authority or time."""
    choice = random.randrange(5)
    if choice == 0:
        return sign(form, pki("acme"), "sha256:" + "ab" * 32, SIGNER)
    if choice == 1:
        return sign(form, pki("acme"), digest, "other", Wish(subject=STRANGER))
    if choice == 2:
        return sign(form, pki("stranger"), digest, SIGNER)
    if choice == 3:
        return sign(form, pki("acme"), digest, SIGNER, None, time=TIME + 1)
    return sign(form, pki("acme"), digest, "other")


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values below a value."""
    entries: Any = ()
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list):
        entries = enumerate(value)
    for key, item in entries:
        yield (*path, key)
        yield from _places(item, (*path, key))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _splice(signed: Signed, donor: Signed, random: Random) -> str:
    paths = set(map(repr, _places(donor.document)))
    both = [path for path in _places(signed.document) if repr(path) in paths]
    path = random.choice(both)
    _at(signed.document, path[:-1])[path[-1]] = copy.deepcopy(_at(donor.document, path))
    return f"splice {_words(path)}"


def _change(document: Any, random: Random, depth: int = 0) -> str:
    """Change one place of a document, and say which."""
    places = list(_places(document))
    if not places:
        return "nothing"
    path = random.choice(places)
    parent, key = _at(document, path[:-1]), path[-1]
    value = parent[key]
    if isinstance(value, str) and depth < _DEEPEST and random.random() < 0.7:
        opened = _opened(value, random, depth)
        if opened is not None:
            parent[key], inside = opened
            return f"{_words(path)} > {inside}"
    if random.random() < 0.12:
        return f"{_structure(parent, key, random)} {_words(path)}"
    parent[key] = _other(value, random)
    return _words(path)


def _opened(value: str, random: Random, depth: int) -> tuple[str, str] | None:
    """The text with a change inside what it holds; None where it holds nothing else."""
    if (found := _document(value)) is not None:
        return _redone(found, json.dumps, random, depth)
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return None
    if (found := _document(raw)) is not None:
        return _redone(found, _encoded, random, depth)
    if len(raw) < 4:
        return None
    changed = bytearray(raw)
    changed[random.randrange(len(raw))] ^= 1 << random.randrange(8)
    return base64.b64encode(changed).decode(), "bit"


def _document(raw: str | bytes) -> Any:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _encoded(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(text.encode()).decode()


def _redone(found: Any, write: Any, random: Random, depth: int) -> tuple[str, str]:
    inside = _change(found, random, depth + 1)
    return write(found), inside


def _structure(parent: Any, key: Any, random: Random) -> str:
    """Take a field out, give it another name, or repeat or empty an entry of a list."""
    choice = random.randrange(3)
    if isinstance(parent, list):
        if choice == 0:
            parent.append(copy.deepcopy(parent[key]))
            return "twice"
        del parent[key]
        return "without"
    if choice == 0:
        parent[f"{key}X"] = parent.pop(key)
        return "renamed"
    if choice == 1:
        parent["unknownField"] = 1
        return "beside an unknown field"
    del parent[key]
    return "without"


def _other(value: Any, random: Random) -> Any:
    if isinstance(value, str):
        return _other_text(value, random)
    if isinstance(value, bool) or value is None:
        return random.choice((0, "", True))
    if isinstance(value, int):
        return random.choice((value + 1, value - 1, 0, -1, 1 << 62, str(value)))
    return random.choice((None, "", [], {}))


def _other_text(value: str, random: Random) -> str:
    if value.isdigit():
        return random.choice((str(int(value) + 1), "0", "-1", "99999999999", ""))
    if not value:
        return "x"
    place = random.randrange(len(value))
    choice = random.randrange(5)
    if choice == 0:
        return value[:place]
    if choice == 1:
        return value[:place] + "\n" + value[place:]
    if choice == 2:
        return value + random.choice(("=", " ", "A", "\n"))
    if choice == 3:
        return value.swapcase()
    letter = random.choice("ABCDEFabcdef0123456789+/-_=")
    return value[:place] + letter + value[place + 1 :]


def _words(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))
