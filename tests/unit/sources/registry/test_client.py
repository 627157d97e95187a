# SPDX-License-Identifier: Apache-2.0
"""Is what a registry answers proved, limited, and asked for with the right login?"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import time
from threading import Thread

import pytest

from kguard.sources.registry import (
    Client,
    Keychain,
    Login,
    RegistryError,
    Settings,
    addresses,
    connections,
    gate,
    transport,
)
from kguard.sources.registry import client as module
from kguard.sources.registry.settings import Location, Mirror
from tests.unit.sources.registry.fake import FakeRegistry, digest_of

MANIFEST = b'{"schemaVersion": 2, "config": {}, "layers": []}'


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(gate, "LONGEST_WAIT_SECONDS", 0.01)


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
    once = client._transport._once
    monkeypatch.setattr(
        client._transport, "_once", lambda request: tried.append(1) or once(request)
    )
    for _ in range(3):
        with pytest.raises(RegistryError, match="cannot be reached"):
            client.manifest("127.0.0.1:1", "a", "1.0")
    assert len(tried) == transport.ATTEMPTS


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
    registry.faults = [(429, {"Retry-After": "0"}, b""), (503, {}, b"")]
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
        ("https://1.1.1.1/v2/", "http://1.1.1.1/x"),
        ("https://1.1.1.1/v2/", "file:///etc/passwd"),
        ("https://1.1.1.1/v2/", "https://169.254.169.254/latest/meta-data"),
        ("https://1.1.1.1/v2/", "https://10.0.0.1/x"),
        ("https://1.1.1.1/v2/", "https://[::1]/x"),
        ("https://1.1.1.1/v2/", "https://[::ffff:169.254.169.254]/x"),
        ("https://1.1.1.1/v2/", "https://168.63.129.16/x"),
        ("https://1.1.1.1/v2/", "https://"),
        ("https://10.0.0.1/v2/", "https://127.0.0.1/x"),
        ("https://10.0.0.1/v2/", "https://169.254.169.254/x"),
        ("http://127.0.0.1/v2/", "http://169.254.169.254/x"),
        ("http://127.0.0.1/v2/", "http://[fd00:ec2::254]/x"),
        ("http://127.0.0.1/v2/", "http://0.0.0.0:80a/x"),
    ],
)
def test_places_that_are_none_for_us(origin, target):
    with pytest.raises(RegistryError) as caught:
        addresses.elsewhere(origin, target)
    assert caught.value.reason == "refused"


@pytest.mark.parametrize(
    ("origin", "target"),
    [
        ("https://1.1.1.1/v2/", "https://8.8.8.8/x"),
        ("https://10.0.0.1/v2/", "https://10.0.0.2/x"),
        ("https://10.0.0.1/v2/", "https://8.8.8.8/x"),
        ("http://127.0.0.1:1/v2/", "http://127.0.0.1:2/x"),
        ("http://127.0.0.1:1/v2/", "http://10.0.0.1/x"),
        ("http://169.254.1.1/v2/", "http://169.254.1.2/x"),
    ],
)
def test_places_that_are_no_nearer(origin, target):
    assert addresses.elsewhere(origin, target).geturl() == target


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


def test_a_head_byte_by_byte_does_not_hold_a_thread(client, monkeypatch):
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(transport, "ATTEMPTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=_drip, args=(server,), daemon=True).start()
        started = time.monotonic()
        with pytest.raises(RegistryError) as caught:
            client.manifest(f"127.0.0.1:{server.getsockname()[1]}", "a", "1.0")
        assert time.monotonic() - started < 20
    assert caught.value.reason == "unreachable"


def _drip(server):
    connection, _ = server.accept()
    with contextlib.suppress(OSError), connection:
        for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)


def test_a_host_that_only_refuses_is_left_alone(serve, client):
    registry = serve()
    registry.faults = [(429, {"Retry-After": "0"}, b"")] * 100
    for _ in range(5):
        with pytest.raises(RegistryError) as caught:
            client.manifest(registry.name, "a", "1.0")
        assert caught.value.reason == "rate_limited"
    assert len(registry.requests) == transport.ATTEMPTS


def test_a_pause_that_is_too_long_is_not_waited_for(serve, client):
    registry = serve()
    registry.faults = [(429, {"Retry-After": "3600"}, b"")] * 100
    with pytest.raises(RegistryError, match="refuses further requests"):
        client.manifest(registry.name, "a", "1.0")
    assert len(registry.requests) == 1


def test_a_mirror_first_and_then_the_registry(serve):
    mirror, registry = serve(), serve()
    there, here = mirror.put(MANIFEST, tag="1.0"), registry.put(b"{}", tag="2.0")
    place = Mirror(registry.name, (Location(f"{mirror.name}/hub"),))
    client = Client(Settings(mirrors=(place,)), Keychain({}))
    assert client.manifest(registry.name, "a", there) == MANIFEST
    assert client.manifest(registry.name, "a", here) == b"{}"
    assert client.manifest(registry.name, "a", "3.0") is None
    assert mirror.asked[0] == f"GET /v2/hub/a/manifests/{there}"
    assert registry.asked == [
        f"GET /v2/a/manifests/{here}",
        "GET /v2/a/manifests/3.0",
    ]


def test_nothing_in_a_mirror_is_nothing_only_if_the_registry_says_so(serve):
    mirror = serve()
    place = Mirror("127.0.0.1:1", (Location(mirror.name),))
    client = Client(Settings(mirrors=(place,)), Keychain({}))
    with pytest.raises(RegistryError) as caught:
        client.manifest("127.0.0.1:1", "a", "1.0")
    assert caught.value.reason == "unreachable"


def test_logins_are_tried_one_after_the_other(serve):
    registry = serve(login=("robot", "s3cret"))
    registry.put(MANIFEST, tag="1.0")
    chain = Keychain({})
    chain.give(registry.name, "a", [Login("robot", "old"), Login("robot", "s3cret")])
    assert Client(Settings(), chain).manifest(registry.name, "a", "1.0") == MANIFEST


def test_logins_that_are_refused_are_not_offered_again(serve):
    registry = serve(login=("robot", "s3cret"))
    chain = Keychain({})
    chain.give(registry.name, "a", [Login("robot", "old")])
    client = Client(Settings(), chain)
    for _ in range(3):
        with pytest.raises(RegistryError):
            client.manifest(registry.name, "a", "1.0")
    assert len([path for path, _ in registry.requests if path.startswith("/token")]) == 1


def test_the_proxy_of_the_environment_is_asked(serve, monkeypatch):
    proxy = serve()
    proxy.put(MANIFEST, tag="1.0")
    monkeypatch.setenv("http_proxy", f"http://{proxy.name}")
    monkeypatch.setenv("no_proxy", "direct.test")
    client = Client(Settings(plain_hosts=("registry.test",)), Keychain({}))
    assert client.manifest("registry.test", "a", "1.0") == MANIFEST
    assert proxy.asked == ["GET http://registry.test/v2/a/manifests/1.0"]


def test_a_mirror_that_may_not_resolve_is_asked_for_no_tag(serve):
    mirror, registry = serve(), serve()
    digest = registry.put(MANIFEST, tag="1.0")
    mirror.put(b"{}", tag="1.0")
    place = Mirror(registry.name, (Location(mirror.name, tags=False),))
    client = Client(Settings(mirrors=(place,)), Keychain({}))
    assert client.manifest(registry.name, "a", "1.0") == MANIFEST
    assert client.pointer(registry.name, "a", "1.0") == digest
    assert mirror.asked == []


def test_a_host_that_speaks_tls_only_is_asked_so(serve, client, monkeypatch):
    registry = serve()
    registry.faults = [(400, {}, b"Client sent an HTTP request to an HTTPS server.\n")]
    asked = []
    send = client._transport.send
    monkeypatch.setattr(client._transport, "send", lambda r: asked.append(r.url) or send(r))
    for _ in range(2):
        with pytest.raises(RegistryError, match="certificate is not trusted"):
            client.manifest(registry.name, "a", "1.0")
    assert [url.partition(":")[0] for url in asked] == ["http", "https", "https"]


@pytest.mark.parametrize("header", ["WWW-Authenticate", "Link", "Retry-After"])
def test_a_header_without_sense_is_read_in_no_time(serve, client, header):
    registry = serve()
    text = "Bearer " + "a" * 60_000 if header == "WWW-Authenticate" else "<" * 60_000
    status = {"WWW-Authenticate": 401, "Link": 200, "Retry-After": 429}[header]
    registry.faults = [(status, {header: text}, b"{}")] * 8
    started = time.process_time()
    with contextlib.suppress(RegistryError):
        client.referrers(registry.name, "a", digest_of(MANIFEST))
    assert time.process_time() - started < 5
