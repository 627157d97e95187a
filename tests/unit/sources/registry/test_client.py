# SPDX-License-Identifier: Apache-2.0
"""Is what a registry answers proved, limited, and asked for with the right login?"""

from __future__ import annotations

import base64
import json

import pytest

from kguard.sources.registry import Client, RegistryError, Settings, addresses
from kguard.sources.registry import client as module
from kguard.sources.registry.credentials import Keychain
from tests.unit.sources.registry.fake import FakeRegistry, digest_of

MANIFEST = b'{"schemaVersion": 2, "config": {}, "layers": []}'


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.01)


@pytest.fixture
def serve():
    started = []

    def start(**arguments):
        started.append(FakeRegistry(**arguments))
        return started[-1]

    yield start
    for registry in started:
        registry.close()


@pytest.fixture
def client():
    return Client(Settings(), Keychain({}))


def keychain(tmp_path, registry, **entry):
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.name: entry}}))
    return Keychain({"DOCKER_CONFIG": str(tmp_path)})


def test_a_manifest_by_digest_and_by_tag(serve, client):
    registry = serve()
    digest = registry.put(MANIFEST, tag="1.0")
    assert client.manifest(registry.name, "shop/cart", digest) == MANIFEST
    assert client.manifest(registry.name, "shop/cart", "1.0") == MANIFEST
    assert client.manifest(registry.name, "shop/cart", "2.0") is None
    assert registry.requests[0][0] == f"/v2/shop/cart/manifests/{digest}"


@pytest.mark.parametrize("ask", ["manifest", "blob"])
def test_other_bytes_are_refused(serve, client, ask):
    registry = serve()
    registry.faults = [(200, {}, b'{"other": true}')]
    with pytest.raises(RegistryError, match="other bytes") as caught:
        getattr(client, ask)(registry.name, "a", digest_of(MANIFEST))
    assert caught.value.reason == "wrong_bytes"


@pytest.mark.parametrize("status", [404, 400, 406])
def test_a_registry_without_referrers(serve, client, status):
    registry = serve()
    registry.faults = [(status, {}, b"")]
    assert client.referrers(registry.name, "a", digest_of(MANIFEST)) is None


def test_every_page_of_referrers(serve, client):
    registry = serve()
    digest = digest_of(MANIFEST)
    link = {"Link": f'</v2/a/referrers/{digest}?last=1>; rel="next"'}
    registry.faults = [(200, link, b"1"), (200, {}, b"2")]
    assert client.referrers(registry.name, "a", digest) == [b"1", b"2"]
    assert registry.requests[1][0] == f"/v2/a/referrers/{digest}?last=1"


def test_pages_that_break_off_or_never_end(serve, client):
    registry = serve()
    digest = digest_of(MANIFEST)
    link = {"Link": f'</v2/a/referrers/{digest}?last=1>; rel="next"'}
    registry.faults = [(200, link, b"1"), (404, {}, b"")]
    with pytest.raises(RegistryError, match="is gone"):
        client.referrers(registry.name, "a", digest)
    registry.faults = [(200, link, b"1")] * 30
    with pytest.raises(RegistryError, match="pages of referrers"):
        client.referrers(registry.name, "a", digest)


def test_a_host_that_takes_no_connection_is_tried_once(client, monkeypatch):
    tried = []
    once = client._once
    monkeypatch.setattr(client, "_once", lambda request: tried.append(1) or once(request))
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.01)
    for _ in range(3):
        with pytest.raises(RegistryError, match="cannot be reached"):
            client.manifest("127.0.0.1:1", "a", "1.0")
    assert len(tried) == module.ATTEMPTS


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "auth"),
        (403, "auth"),
        (429, "rate_limited"),
        (500, "unreachable"),
        (418, "unreachable"),
    ],
)
def test_what_a_refusal_means(serve, client, status, reason):
    registry = serve()
    registry.faults = [(status, {}, b"")] * 10
    with pytest.raises(RegistryError) as caught:
        client.manifest(registry.name, "a", "1.0")
    assert caught.value.reason == reason


def test_a_busy_registry_is_asked_again(serve, client):
    registry = serve()
    registry.put(MANIFEST, tag="1.0")
    registry.faults = [(429, {"Retry-After": "1"}, b""), (503, {}, b"")]
    assert client.manifest(registry.name, "a", "1.0") == MANIFEST
    assert len(registry.requests) == 3


def test_nobody_there(client):
    with pytest.raises(RegistryError, match="cannot be reached") as caught:
        client.manifest("127.0.0.1:1", "a", "1.0")
    assert caught.value.reason == "unreachable"


def test_an_answer_without_end_is_cut(serve, client, monkeypatch):
    monkeypatch.setattr(module, "MAX_MANIFEST_BYTES", 1000)
    registry = serve()
    registry.faults = [(200, {}, b"x" * 5000)]
    with pytest.raises(RegistryError) as caught:
        client.manifest(registry.name, "a", "1.0")
    assert caught.value.reason == "too_large"


def test_a_login_is_exchanged_for_a_token_once(serve, tmp_path):
    registry = serve(login=("robot", "s3cret"))
    registry.put(MANIFEST, tag="1.0")
    auth = base64.b64encode(b"robot:s3cret").decode()
    client = Client(Settings(), keychain(tmp_path, registry, auth=auth))
    for _ in range(3):
        assert client.manifest(registry.name, "shop/cart", "1.0") == MANIFEST
    asked = [path for path, _ in registry.requests if path.startswith("/token")]
    assert asked == ["/token?service=fake&scope=repository%3Ashop%2Fcart%3Apull"]


@pytest.mark.parametrize("entry", [{}, {"username": "robot", "password": "wrong"}])
def test_a_wrong_login_is_unknown_and_not_printed(serve, tmp_path, entry):
    registry = serve(login=("robot", "s3cret"))
    client = Client(Settings(), keychain(tmp_path, registry, **entry))
    with pytest.raises(RegistryError) as caught:
        client.manifest(registry.name, "shop/cart", "1.0")
    assert caught.value.reason == "auth"
    assert "wrong" not in caught.value.message


def test_a_blob_may_lie_elsewhere_but_the_login_stays(serve, tmp_path):
    storage, registry = serve(), serve(login=("robot", "s3cret"))
    digest = storage.put(b"content")
    place = f"http://{storage.name}/v2/a/blobs/{digest}"
    registry.faults = [(307, {"Location": place}, b"")]
    entry = {"username": "robot", "password": "s3cret"}
    client = Client(Settings(), keychain(tmp_path, registry, **entry))
    assert client.blob(registry.name, "a", digest) == b"content"
    assert [authorization for _, authorization in storage.requests] == [""]


def test_redirects_without_end(serve, client):
    registry = serve()
    registry.faults = [(302, {"Location": "/v2/a/manifests/1.0"}, b"")] * 10
    with pytest.raises(RegistryError, match="redirects"):
        client.manifest(registry.name, "a", "1.0")


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("https://registry.example.com/v2/", "http://registry.example.com/x"),
        ("https://registry.example.com/v2/", "file:///etc/passwd"),
        ("https://registry.example.com/v2/", "https://169.254.169.254/latest/meta-data"),
        ("https://registry.example.com/v2/", "https://10.0.0.1/x"),
        ("https://registry.example.com/v2/", "https://[::1]/x"),
        ("https://registry.example.com/v2/", "https://"),
    ],
)
def test_places_that_are_none_for_us(origin, target, monkeypatch):
    private = {"169.254.169.254", "10.0.0.1", "::1"}
    monkeypatch.setattr(addresses, "is_private", private.__contains__)
    with pytest.raises(RegistryError) as caught:
        addresses.elsewhere(origin, target)
    assert caught.value.reason == "refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "localhost"])
def test_private_addresses(host):
    assert addresses.is_private(host)


@pytest.mark.parametrize(
    ("registry", "plain", "url"),
    [
        ("index.docker.io", False, "https://registry-1.docker.io"),
        ("registry.example.com:5000", False, "https://registry.example.com:5000"),
        ("registry.example.com", True, "http://registry.example.com"),
        ("localhost:5000", False, "http://localhost:5000"),
        ("127.0.0.1:5000", False, "http://127.0.0.1:5000"),
    ],
)
def test_where_a_registry_lies(registry, plain, url):
    assert addresses.base_url(registry, plain=plain) == url
