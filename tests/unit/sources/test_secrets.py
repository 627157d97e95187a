# SPDX-License-Identifier: Apache-2.0
"""Does anything but certificates and public keys survive of a live Secret?"""

from __future__ import annotations

import base64

import pytest

from kguard.sources.cluster.secrets import MAX_VALUE, login_of, public_only

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def kept(**data: str) -> dict[str, str]:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": data}
    found = public_only(secret)["data"]
    assert isinstance(found, dict)
    return found


def test_public_keys_are_kept() -> None:
    public = encoded(KEY.replace("EC PRIVATE", "PUBLIC"))
    assert kept(**{"cosign.pub": public, "cosign.key": encoded(KEY)}) == {"cosign.pub": public}


def test_a_block_with_another_end_is_dropped() -> None:
    mixed = CERTIFICATE.replace("END CERTIFICATE", "END PUBLIC KEY")
    assert kept(value=encoded(mixed)) == {}


def test_only_certificates_are_kept() -> None:
    chain = encoded(CERTIFICATE * 2)
    assert kept(**{"ca.pem": chain, "key.pem": encoded(KEY), "password": encoded("x")}) == {
        "ca.pem": chain
    }


@pytest.mark.parametrize(
    "text", [CERTIFICATE + KEY, KEY + CERTIFICATE, "token " + CERTIFICATE, "", "\n", "a"]
)
def test_a_value_with_anything_else_is_dropped_as_a_whole(text: str) -> None:
    assert kept(value=encoded(text)) == {}


@pytest.mark.parametrize("value", ["no base64!", "A" * (MAX_VALUE + 4)])
def test_a_value_that_cannot_be_read_is_dropped(value: str) -> None:
    assert kept(value=value) == {}


def test_metadata_keeps_no_free_text() -> None:
    metadata = {
        "name": "cacerts",
        "namespace": "istio-system",
        "labels": {"a": "b"},
        "annotations": {"cert-manager.io/certificate-name": "istio-ca", "note": "password"},
        "managedFields": [{}],
    }
    found = public_only({"kind": "Secret", "metadata": metadata, "stringData": {"a": "b"}})
    assert found == {
        "apiVersion": None,
        "kind": "Secret",
        "metadata": {
            "name": "cacerts",
            "namespace": "istio-system",
            "labels": {"a": "b"},
            "annotations": {
                "cert-manager.io/certificate-name": "istio-ca",
                "kguard.dev/values": "0",
            },
        },
        "type": None,
        "data": {},
    }


def test_logins_are_kept_apart_and_only_of_secrets_for_pulling():
    kind = "kubernetes.io/dockerconfigjson"
    item = {"type": kind, "data": {".dockerconfigjson": "e30=", "other": "eA=="}}
    assert login_of(item) == [kind, "e30="]
    assert public_only(item)["data"] == {}
    assert login_of({**item, "type": "Opaque"}) is None
    assert login_of({"type": kind, "data": {".dockerconfigjson": "a" * (MAX_VALUE + 1)}}) is None
