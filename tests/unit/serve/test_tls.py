# SPDX-License-Identifier: Apache-2.0
"""Does the server show the certificate that is there now, and know whose clients it serves?"""

from __future__ import annotations

import asyncio
import shutil
import ssl
from http import HTTPStatus

import pytest

from kguard.errors import UsageError
from kguard.serve.http import HttpResponse, Limits, Server
from kguard.serve.tls import Certificates, Files
from tests.unit.serve.conftest import certificate


async def certified(request):
    return HttpResponse(HTTPStatus.OK, b"yes" if request.certified else b"no")


def asked(certificates, contexts):
    """What the server says to clients with these contexts, one after the other."""

    async def whole():
        server = Server(certified, Limits(1000, 1000))
        port = await server.start("127.0.0.1", 0, certificates.context)
        found = []
        for context in contexts:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context())
            shown = ssl.DER_cert_to_PEM_cert(writer.get_extra_info("ssl_object").getpeercert(True))
            writer.write(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
            found.append(((await reader.read()).rpartition(b"\r\n")[2], shown))
            writer.close()
        await server.stop()
        return found

    return asyncio.run(whole())


def trusting(path, *own):
    def context():
        made = ssl.create_default_context(cafile=path)
        if own:
            made.load_cert_chain(*own)
        return made

    return context


def test_a_new_certificate_is_shown_to_the_next_client(files, tmp_path):
    certificates = Certificates(Files(*files))
    other = certificate(tmp_path, "other")
    assert not certificates.refresh()
    shutil.copy(other[0], files[0])
    with pytest.raises(UsageError, match="cannot be used"):
        certificates.refresh()  # the key is still the old one: nothing changes
    shutil.copy(other[1], files[1])
    assert certificates.refresh()
    ((_, shown),) = asked(certificates, [trusting(other[0])])
    assert shown == other[0].read_text()


def test_a_clients_certificate_is_known_and_a_stranger_is_turned_away(files, tmp_path):
    client, stranger = certificate(tmp_path, "client"), certificate(tmp_path, "stranger")
    certificates = Certificates(Files(*files, client[0]))
    contexts = [trusting(files[0]), trusting(files[0], *client)]
    assert [said for said, _ in asked(certificates, contexts)] == [b"no", b"yes"]
    try:
        ((said, _),) = asked(certificates, [trusting(files[0], *stranger)])
    except OSError:
        said = b""
    assert said == b""


@pytest.mark.parametrize("broken", ["certificate", "key"])
def test_files_that_are_no_pem_are_one_sentence(files, broken):
    files[broken == "key"].write_text("nothing")
    with pytest.raises(UsageError, match="cannot be used"):
        Certificates(Files(*files))
