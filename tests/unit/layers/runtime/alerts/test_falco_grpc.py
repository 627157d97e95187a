# SPDX-License-Identifier: Apache-2.0
"""Does the client agree with a gRPC server of Falco 0.43, over a unix socket and mutual TLS?

The server here writes its messages byte by byte from the field numbers, so that a slip in the
transcription cannot hide on both sides.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from threading import Event

import pytest

from kguard.errors import SourceError, UsageError
from kguard.layers.runtime.alerts import falco_grpc
from kguard.layers.runtime.alerts.falco_grpc import Credentials, FalcoGrpc
from tests.unit.layers.runtime.alerts.certificates import make

grpc = pytest.importorskip("grpc", reason="the extra falco-grpc is not installed")


def varint(number):
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def response(which=0):
    return (
        text(1, number(1, 1_795_428_000) + number(2, 5 + which))
        + number(2, 5)
        + number(3, 0)
        + text(4, "shell")
        + text(5, "a shell")
        + text(6, text(1, "k8s.ns.name") + text(2, "shop"))
        + text(6, text(1, "k8s.pod.name") + text(2, "web"))
        + text(7, "node-1")
        + text(8, "container")
        + text(8, "shell")
        + text(9, "syscall")
    )


VERSION = (
    text(1, "0.43.1")
    + number(2, 0)
    + number(3, 43)
    + number(4, 1)
    + number(7, 60)
    + text(11, "0.60.0")
)


class Falco(grpc.GenericRpcHandler):
    """What the server does; `breaks` subscriptions end with an error first."""

    def __init__(self, breaks=0, code=grpc.StatusCode.UNAVAILABLE):
        self.breaks, self.code, self.sent = breaks, code, 0

    def service(self, handler_call_details):
        handlers = {
            "/falco.version.service/version": grpc.unary_unary_rpc_method_handler(
                lambda _request, _context: VERSION
            ),
            "/falco.outputs.service/get": grpc.unary_stream_rpc_method_handler(
                lambda _request, _context: iter([response(0), response(1)])
            ),
            "/falco.outputs.service/sub": grpc.stream_stream_rpc_method_handler(self.sub),
        }
        return handlers.get(handler_call_details.method)

    def sub(self, requests, context):
        for _ in requests:
            yield response(self.sent)
            self.sent += 1
            if self.breaks:
                self.breaks -= 1
                context.abort(self.code, "going away")


@pytest.fixture
def falco(tmp_path):
    servers = []

    def start(behaviour, credentials=None):
        server = grpc.server(ThreadPoolExecutor(4), handlers=[behaviour])
        address = f"unix://{tmp_path}/falco.sock"
        if credentials:
            address = f"localhost:{server.add_secure_port('localhost:0', credentials)}"
        else:
            server.add_insecure_port(address)
        server.start()
        servers.append(server)
        return address

    yield start
    for server in servers:
        server.stop(None).wait()


@pytest.fixture
def client():
    opened = []

    def connect(endpoint, credentials=Credentials()):  # noqa: B008 - frozen
        opened.append(FalcoGrpc(endpoint, credentials))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def test_the_version(falco, client):
    assert client(falco(Falco())).version() == "0.43.1"


def test_what_waits(falco, client):
    first, second = client(falco(Falco())).waiting()
    assert (first.rule, first.priority, first.source) == ("shell", "Notice", "syscall")
    assert (first.hostname, first.tags) == ("node-1", ("container", "shell"))
    assert first.fields == {"k8s.ns.name": "shop", "k8s.pod.name": "web"}
    assert (first.time, second.time) == (1_795_428_000_000_000_005, 1_795_428_000_000_000_006)


def test_a_subscription_outlives_a_lost_connection(falco, client, monkeypatch):
    monkeypatch.setattr(falco_grpc, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(falco_grpc, "ASK_SECONDS", 0.01)
    stop = Event()
    alerts = client(falco(Falco(breaks=2))).subscribe(stop)
    times = [alert.time % 10 for alert in islice(alerts, 4)]
    stop.set()
    alerts.close()
    assert times == [5, 6, 7, 8]


def test_a_refusal_ends_the_subscription(falco, client):
    behaviour = Falco(breaks=1, code=grpc.StatusCode.PERMISSION_DENIED)
    alerts = client(falco(behaviour)).subscribe(Event())
    next(alerts)
    with pytest.raises(SourceError, match="answers PERMISSION_DENIED: going away"):
        next(alerts)


def test_mutual_tls(falco, client, tmp_path):
    pem = make(tmp_path)
    credentials = grpc.ssl_server_credentials(
        [(Path(pem.server_key).read_bytes(), Path(pem.server).read_bytes())],
        Path(pem.ca).read_bytes(),
        require_client_auth=True,
    )
    endpoint = falco(Falco(), credentials)
    known = client(endpoint, Credentials(pem.ca, pem.client, pem.client_key))
    assert len(list(known.waiting())) == 2
    other = tmp_path / "other"
    other.mkdir()
    strange = make(other)
    stranger = client(endpoint, Credentials(pem.ca, strange.client, strange.client_key))
    with pytest.raises(SourceError, match="answers UNAVAILABLE"):
        list(stranger.waiting())


def test_a_tcp_port_needs_certificates(client):
    with pytest.raises(UsageError, match="needs --tls-ca, --tls-cert and --tls-key"):
        client("127.0.0.1:5060")


def test_nobody_there(client, tmp_path):
    nobody = client(f"unix://{tmp_path}/none.sock")
    with pytest.raises(SourceError, match="answers UNAVAILABLE") as caught:
        list(nobody.waiting())
    assert "http_output" in caught.value.hint


def test_a_pem_file_that_is_not_there(client, tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        client("127.0.0.1:5060", Credentials(*(str(tmp_path / "none") for _ in range(3))))
