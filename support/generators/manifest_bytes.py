# SPDX-License-Identifier: Apache-2.0
"""Which files would make YAML readers disagree? Random ones, the same for the same seed.

``files(seed, count)`` yields files made by a small grammar of YAML's stranger constructs, with
bytes changed at random in some of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

PLAIN = str.split(
    "a b c name web v1 y n Y N yes No on OFF true False TRUE null Null ~ tRue nULL x: :x a:b "
    "0 1 -1 +3 0644 08 0o17 0x1F 0b101 -0b11 0b-1 1_000 _1 1e3 1E+3 1.5 .5 .5_5 5. -.5 1e400 .5e9 "
    ".inf -.Inf .nan +.inf 1:30 22:22 190:20:30 2001-12-14 2001-12-14T21:59:43Z 2001-1-1 "
    "9223372036854775807 9223372036854775808 18446744073709551616 -9223372036854775809 "
    "0xfffffffffffffffff 00 -0 0. 1.0 1.10 1e21 1e-7 123456789.5 = << - ? | > >- |+ -x ?x a#b a#"
)
QUOTED = (
    "''",
    "'it''s'",
    '"x"',
    '"\\n\\t\\x41"',
    '"\\u00e9"',
    '"\\\'"',
    '"\\/"',
    '"\\ud83d"',
    "'<<'",
    '"a: b"',
    "'# no'",
    '"\\\n  x"',
    "'a\n\n  b'",
    '"true"',
    "'1'",
    '"\\N\\_\\L\\P"',
    '"\\q"',
    '"\\0"',
)
TAGS = (
    "!!str",
    "!!int",
    "!!float",
    "!!bool",
    "!!null",
    "!!binary",
    "!!timestamp",
    "!",
    "!x",
    "!!set",
    "!!merge",
    "!e!x",
    "!<tag:yaml.org,2002:str>",
    "!!map",
    "!!seq",
    "!x,y",
    "!x].",
)
KEYS = (
    "name",
    "kind",
    "spec",
    "labels",
    "a",
    "b",
    "y",
    "on",
    "1",
    "'1'",
    "1.0",
    "true",
    "yes",
    "0644",
    "1e6",
    "null",
    "<<",
    "'<<'",
    "~",
    "? a",
    "? [a]",
    ".inf",
    "a b",
    '"q"',
    "2001-12-14",
    "0x10",
)
BLOCKS = ("|", ">", "|-", ">-", "|+", ">+", "|2", ">1-", "| # c", "|-2")
JUNK = (
    b"\t",
    b"\r",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    b"\x00",
    b"\x7f",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"#",
    b" #",
    b": ",
    b":",
    b"- ",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b"&a ",
    b"*a",
    b"!",
    b"!!str ",
    b"|",
    b">",
    b"'",
    b'"',
    b"%",
    b"@",
    b"`",
    b"...\n",
    b"---\n",
    b"--- x\n",
    b"\n",
    b"  ",
    b"? ",
    b"<<: *a\n",
    b"\\",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98\x80",
    b"\xc2\xa0",
    b"\xf4\x90\x80\x80",
)
JSON_SCALARS = (
    '"x"',
    "1",
    "-0",
    "1.0",
    "1e3",
    "1e400",
    "9223372036854775808",
    "0.10",
    "01",
    "true",
    "null",
    "True",
    "NaN",
    '"\\/"',
    '"\t"',
    '"\\ud83d\\ude00"',
    "'x'",
    "-",
    "1.",
    ".5",
    '"\\x"',
    "x",
)
MUTATED = 0.55
JSON = 0.08


def files(seed: int, count: int) -> Iterator[bytes]:
    """``count`` files of the given seed."""
    chance = random.Random(seed)
    for _ in range(count):
        data = _Grammar(chance).file().encode()
        if chance.random() < MUTATED:
            data = _mutated(chance, data)
        yield data


def _mutated(chance: random.Random, data: bytes) -> bytes:
    for _ in range(chance.choice((1, 1, 2, 4))):
        at = chance.randrange(len(data) + 1)
        action = chance.randrange(4)
        if action == 0:
            data = data[:at] + chance.choice(JUNK) + data[at:]
        elif action == 1:
            data = data[:at] + data[at + chance.randrange(1, 4) :]
        elif action == 2:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        else:
            end = min(len(data), at + chance.randrange(1, 30))
            data = data[:end] + data[at:end] + data[end:]
    return data


class _Grammar:
    """Writes one file."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.anchors = 0

    def file(self) -> str:
        if self.chance.random() < JSON:
            return self._json_file()
        parts = [self._document() for _ in range(self.chance.choice((1, 1, 1, 2, 3)))]
        separators = ("---\n", "---\n", "--- # c\n", "---  \n", "...\n", "...\n---\n", "\n---\n")
        text = parts[0] if self.chance.random() < 0.8 else "---\n" + parts[0]
        for part in parts[1:]:
            text += self.chance.choice(separators) + part
        ending = self.chance.random()
        if ending < 0.1:
            text = text.rstrip("\n")
        elif ending < 0.15:
            text = text.replace("\n", "\r\n")
        elif ending < 0.17:
            text = text.replace("\n", "\r")
        return text

    def _document(self) -> str:
        self.anchors = 0
        head = "apiVersion: v1\nkind: ConfigMap\n" if self.chance.random() < 0.5 else ""
        return head + self._mapping(0, 0) if self.chance.random() < 0.9 else self._list(0, 0)

    def _mapping(self, indent: int, depth: int) -> str:
        keys = [self._key() for _ in range(self.chance.randrange(1, 5))]
        return "".join(" " * indent + key + ":" + self._value(indent, depth) for key in keys)

    def _list(self, indent: int, depth: int) -> str:
        lines = []
        for _ in range(self.chance.randrange(1, 4)):
            if depth < 4 and self.chance.random() < 0.3:
                lines.append(" " * indent + "- " + self._mapping(indent + 2, depth + 1).lstrip(" "))
            else:
                lines.append(" " * indent + "-" + self._value(indent, depth))
        return "".join(lines)

    def _value(self, indent: int, depth: int) -> str:
        roll = self.chance.random()
        if roll < 0.2 and depth < 4:
            step = self.chance.choice((1, 2, 2, 2, 4))
            return self._properties() + "\n" + self._mapping(indent + step, depth + 1)
        if roll < 0.3 and depth < 4:
            step = self.chance.choice((0, 2, 2))
            return self._properties() + "\n" + self._list(indent + step, depth + 1)
        if roll < 0.38:
            return self._block(indent)
        if roll < 0.42:
            return "\n"
        if roll < 0.45 and self.anchors:
            return f" *a{self.chance.randrange(self.anchors)}\n"
        value = self._flow(0) if roll < 0.6 else self._properties() + " " + self._scalar()
        comment = " # c" if self.chance.random() < 0.1 else ""
        more = "\n" + " " * (indent + 1) + "more" if self.chance.random() < 0.04 else ""
        return f" {value.strip(' ')}{more}{comment}\n"

    def _properties(self) -> str:
        text = ""
        if self.chance.random() < 0.08:
            text += f" &a{self.anchors}"
            self.anchors += 1
        if self.chance.random() < 0.06:
            text += " " + self.chance.choice(TAGS)
        return text

    def _block(self, indent: int) -> str:
        margin = " " * (indent + self.chance.choice((1, 2, 2, 4)))
        lines = []
        for _ in range(self.chance.randrange(0, 5)):
            text = self.chance.choice(("text", "a: b", "- x", "", "  deeper", "# no", "\ttab", " "))
            lines.append(margin + text if text.strip() or self.chance.random() < 0.5 else text)
        return " " + self.chance.choice(BLOCKS) + "\n" + "".join(line + "\n" for line in lines)

    def _flow(self, depth: int) -> str:
        roll = self.chance.random()
        if depth > 2 or roll < 0.3:
            return self._scalar()
        items = self.chance.randrange(0, 4)
        if roll < 0.65:
            return "[" + ", ".join(self._flow(depth + 1) for _ in range(items)) + "]"
        colon = self.chance.choice((": ", ": ", ": ", ":"))
        members = (self._key() + colon + self._flow(depth + 1) for _ in range(items))
        return "{" + ", ".join(members) + "}"

    def _scalar(self) -> str:
        return self.chance.choice(PLAIN if self.chance.random() < 0.8 else QUOTED)

    def _key(self) -> str:
        return self.chance.choice(KEYS[:5] if self.chance.random() < 0.5 else KEYS)

    def _json_file(self) -> str:
        values = [self._json(0) for _ in range(self.chance.choice((1, 1, 2, 3)))]
        joint = self.chance.choice(("\n", "", " ", "\n---\n", "---\n", "\n\n", "\na: b\n---\n"))
        return joint.join(values) + self.chance.choice(("", "\n", "\n---\na: 1\n", "x", " \n"))

    def _json(self, depth: int) -> str:
        if depth == 0 or (depth < 3 and self.chance.random() < 0.4):
            names = ('"a"', '"b"', '"a"', '"kind"', '"\\u00e9"', '"\\ud800"', '"1"')
            members = (
                self.chance.choice(names)
                + self.chance.choice((":", ": ", " : "))
                + self._json(depth + 1)
                for _ in range(self.chance.randrange(0, 4))
            )
            return "{" + ",".join(members) + "}"
        if depth < 3 and self.chance.random() < 0.2:
            return "[" + ", ".join(self._json(depth + 1) for _ in range(2)) + "]"
        return self.chance.choice(JSON_SCALARS)
