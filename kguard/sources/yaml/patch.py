# SPDX-License-Identifier: Apache-2.0
"""What is a value after some operations on JSON pointers (the subset of RFC 6902 that we use)?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kguard.model.locations import escape_pointer, pointer_tokens
from kguard.model.manifests import copied
from kguard.model.remedies import Operation

END_OF_LIST = "-"
"""The token that stands for the place after a list's last item (RFC 6902)."""


def patched(value: Any, operations: Iterable[Operation]) -> Any:
    """A deep copy of a value with the operations applied; `value` is left as it is.

    Raises:
        LookupError: a pointer leads nowhere.
    """
    result = copied(value)
    for operation in operations:
        if not operation.pointer:
            if operation.op == "remove":
                raise LookupError("the whole document cannot be removed")
            result = copied(operation.value)
            continue
        *parents, last = pointer_tokens(operation.pointer)
        holder = result
        for token in parents:
            holder = child_of(holder, token)
        _change(holder, last, operation)
    return result


def child_of(holder: Any, token: str) -> Any:
    """The child that a pointer's token names.

    Raises:
        LookupError: there is none.
    """
    if isinstance(holder, dict) and token in holder:
        return holder[token]
    if isinstance(holder, list):
        return holder[index_of(token, len(holder) - 1)]
    raise LookupError(f"nothing stands at {token!r}")


def index_of(token: str, largest: int) -> int:
    """The index that a token is, at most `largest`.

    Raises:
        LookupError: it is none.
    """
    if token.isascii() and token.isdigit() and int(token) <= largest:
        return int(token)
    raise LookupError(f"there is no index {token!r}")


def _change(holder: Any, last: str, operation: Operation) -> None:
    value = copied(operation.value)
    if isinstance(holder, list):
        if operation.op == "add":
            holder.insert(
                len(holder) if last == END_OF_LIST else index_of(last, len(holder)), value
            )
            return
        index = index_of(last, len(holder) - 1)
        if operation.op == "remove":
            del holder[index]
        else:
            holder[index] = value
        return
    if not isinstance(holder, dict) or (operation.op != "add" and last not in holder):
        raise LookupError(f"nothing stands at {operation.pointer}")
    if operation.op == "remove":
        del holder[last]
    else:
        holder[last] = value


def refined(operation: Operation, old: Any) -> Iterator[Operation]:
    """Smaller operations with the same effect, which leave what stays the same alone.

    `old` is the value that the operation replaces.
    """
    new, pointer = operation.value, operation.pointer
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() & new.keys():
        for name, value in new.items():
            below = f"{pointer}/{escape_pointer(name)}"
            if name not in old:
                yield Operation("add", below, value)
            else:
                yield from refined(Operation("replace", below, value), old[name])
        for name in old:
            if name not in new:
                yield Operation("remove", f"{pointer}/{escape_pointer(name)}")
    elif isinstance(old, list) and isinstance(new, list) and old and len(old) == len(new):
        for index, value in enumerate(new):
            yield from refined(Operation("replace", f"{pointer}/{index}", value), old[index])
    elif type(old) is not type(new) or old != new:
        yield Operation("replace", pointer, new)
