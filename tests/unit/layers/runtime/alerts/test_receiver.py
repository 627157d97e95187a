# SPDX-License-Identifier: Apache-2.0
"""Is every alert that was acknowledged kept, and is everybody else turned away?"""

from __future__ import annotations

import base64
import http.client
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from kguard.errors import SourceError, UsageError
from kguard.layers.runtime.alerts.alert import MAX_EVENT_BYTES
from kguard.layers.runtime.alerts.intake import Intake
from kguard.layers.runtime.alerts.receiver import Receiver, Security, split
from tests.unit.layers.runtime.alerts.certificates import make

EVENT = {"time": "2026-11-23T10:00:00Z", "rule": "shell", "priority": "Notice"}


@pytest.fixture
def serve():
    opened = []

    def start(security=Security(), sink=None):  # noqa: B008 - frozen
        intake = Intake(())
        receiver = Receiver("127.0.0.1:0", sink or intake.take, security)
        receiver.start()
        opened.append(receiver)
        return receiver, intake

    yield start
    for receiver in opened:
        receiver.close()


def post(port, body, headers=None):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as client:
        return send(client, body, headers)


def send(client, body, headers=None):
    client.request("POST", "/", body, headers or {})
    with client.getresponse() as answer:
        answer.read()
        return answer.status


def event(number):
    return json.dumps(EVENT | {"rule": f"rule {number}"})


def test_an_alert_is_taken_before_it_is_acknowledged(serve):
    receiver, intake = serve()
    assert post(receiver.port, event(1)) == 200
    assert [group.rule for group in intake.summary().groups] == ["rule 1"]


def test_a_burst_from_many_connections_loses_nothing(serve):
    receiver, intake = serve()

    def sender(which):
        with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=30)) as client:
            return [send(client, event(which * 50 + n)) for n in range(50)]

    with ThreadPoolExecutor(20) as pool:
        statuses = [status for found in pool.map(sender, range(20)) for status in found]
    assert statuses == [200] * 1000
    assert intake.summary().events == 1000


def test_what_is_no_alert_is_refused_and_counted(serve):
    receiver, intake = serve()
    assert post(receiver.port, "{") == 400
    assert post(receiver.port, "") == 400
    found = intake.summary()
    assert (found.events, found.unreadable) == (0, 1)


def test_a_body_that_is_too_long_is_not_read(serve):
    receiver, _ = serve()
    headers = {"Content-Length": str(MAX_EVENT_BYTES + 1)}
    assert post(receiver.port, None, headers) == 413


def test_a_body_of_unknown_length_is_not_read(serve):
    receiver, _ = serve()
    assert post(receiver.port, iter([b"x"]), {"Transfer-Encoding": "chunked"}) == 411


def test_only_who_shows_the_token_is_heard(serve):
    receiver, intake = serve(Security("s3cret"))
    basic = base64.b64encode(b"falco:s3cret").decode()
    wrong = ("", "Bearer nope", "Basic nope!", "Digest s3cret", "Bearer s3cr\xe9t")
    for header in wrong:
        assert post(receiver.port, event(1), {"Authorization": header}) == 401, header
    assert intake.summary().events == 0
    assert post(receiver.port, event(1), {"Authorization": "Bearer s3cret"}) == 200
    assert post(receiver.port, event(2), {"Authorization": f"Basic {basic}"}) == 200


def test_other_methods_are_not_served(serve):
    receiver, _ = serve()
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)) as client:
        client.request("GET", "/")
        with client.getresponse() as answer:
            assert answer.status == 501


def test_client_certificates(serve, tmp_path):
    pem = make(tmp_path)
    receiver, intake = serve(Security("", pem.server, pem.server_key, pem.ca))
    context = ssl.create_default_context(cafile=pem.ca)

    def secured():
        found = http.client.HTTPSConnection("localhost", receiver.port, timeout=10, context=context)
        return closing(found)

    with (
        secured() as stranger,
        pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)),
    ):
        send(stranger, event(1))
    context.load_cert_chain(pem.client, pem.client_key)
    with secured() as known:
        assert send(known, event(1)) == 200
    assert intake.summary().events == 1


def test_a_peer_that_says_nothing_holds_nobody_up(serve):
    receiver, _ = serve()
    with socket.create_connection(("127.0.0.1", receiver.port)):
        assert post(receiver.port, event(1)) == 200


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", ":0", "example.com:0"])
def test_an_open_door_is_refused(address):
    with pytest.raises(UsageError, match="anybody who reaches"):
        Receiver(address, print, Security())


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536"])
def test_addresses_that_are_none(address):
    with pytest.raises(UsageError, match="is no address"):
        split(address)


def test_a_port_that_is_taken(serve):
    receiver, _ = serve()
    with pytest.raises(SourceError, match="cannot listen"):
        Receiver(f"127.0.0.1:{receiver.port}", print, Security())


def test_a_sender_that_never_saw_the_answer_may_send_again(serve):
    receiver, intake = serve()
    body = event(1).encode()
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as lost:
            lost.sendall(head + body)
    assert post(receiver.port, body) == 200
    receiver.close()
    found = intake.summary()
    assert found.events == 1
    assert found.duplicates <= 3


def test_half_a_request_is_no_alert(serve):
    receiver, intake = serve()
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as cut:
        cut.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + event(1).encode()
        )
    assert post(receiver.port, event(2)) == 200
    assert [group.rule for group in intake.summary().groups] == ["rule 2"]


def test_bytes_that_are_no_utf8_do_not_hide_an_alert(serve):
    receiver, intake = serve()
    body = json.dumps(EVENT | {"output": "\u00e9"}, ensure_ascii=False).encode("latin-1")
    assert post(receiver.port, body) == 200
    assert intake.summary().groups[0].example == "\ufffd"
