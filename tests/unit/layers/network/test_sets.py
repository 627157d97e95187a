# SPDX-License-Identifier: Apache-2.0
"""Are sets of ports and addresses cut, joined and printed rightly?"""

from __future__ import annotations

import pytest

from kguard.layers.network.semantics.addresses import AddressAtoms, block, network_range
from kguard.layers.network.semantics.ports import PortAtoms, PortSpan


def test_ports_are_told_apart_only_where_a_rule_does() -> None:
    atoms = PortAtoms([PortSpan("TCP", 80, 80), PortSpan("TCP", 8000, 8999)])
    assert atoms.of_port("TCP", 81) == atoms.of_port("TCP", 7999)
    assert atoms.of_port("TCP", 80) != atoms.of_port("TCP", 81)
    assert atoms.of_port("UDP", 80) == atoms.of_port("UDP", 8000)
    assert atoms.of_port("ICMP", 80) == 0
    assert atoms.of_port("TCP", 0) == 0


def test_port_sets_are_printed_by_protocol() -> None:
    atoms = PortAtoms([PortSpan("TCP", 80, 80), PortSpan("UDP", 1, 65535), PortSpan("TCP", 90, 99)])
    ports = atoms.of_port("TCP", 80) | atoms.of_protocol("UDP") | atoms.of_port("TCP", 90)
    assert atoms.text(ports) == "TCP 80,90-99,UDP 1-65535"
    assert atoms.text(atoms.everything) == "All Connections"
    assert atoms.text(0) == "No Connections"


def test_neighbouring_spans_are_joined() -> None:
    atoms = PortAtoms([PortSpan("TCP", 80, 89), PortSpan("TCP", 90, 99)])
    both = atoms.of_port("TCP", 80) | atoms.of_port("TCP", 90)
    assert atoms.spans(both) == [PortSpan("TCP", 80, 99)]


def test_a_block_is_what_its_exceptions_leave() -> None:
    found = block("10.0.0.0/8", ("10.0.0.0/16", "10.1.0.0/16", "10.3.0.0/16"))
    assert [str(entry) for entry in found.ranges] == [
        "10.2.0.0-10.2.255.255",
        "10.4.0.0-10.255.255.255",
    ]


@pytest.mark.parametrize(
    ("cidr", "excepted"),
    [
        ("10.1.2.3/8", ()),
        ("010.0.0.0/8", ()),
        ("10.0.0.0", ()),
        ("10.0.0.0/33", ()),
        ("::ffff:10.0.0.0/104", ()),
        ("10.0.0.0/8", ("10.0.0.0/8",)),
        ("10.0.0.0/8", ("11.0.0.0/16",)),
        ("10.0.0.0/8", ("fd00::/16",)),
    ],
)
def test_blocks_that_the_api_server_refuses(cidr: str, excepted: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        block(cidr, excepted)


def test_addresses_of_both_families_have_their_own_atoms() -> None:
    ranges = [network_range("10.0.0.0/8"), network_range("fd00::/8")]
    atoms = AddressAtoms(ranges)
    assert [str(entry) for entry in atoms.ranges(atoms.of_ranges(ranges))] == [
        "10.0.0.0-10.255.255.255",
        "fd00::-fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]
    assert atoms.of_range(network_range("10.2.0.0/16")) == atoms.of_range(ranges[0])
    assert len(atoms.atoms()) == atoms.count == 6
