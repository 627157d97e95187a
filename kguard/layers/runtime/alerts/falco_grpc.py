# SPDX-License-Identifier: Apache-2.0
"""How are alerts read from the gRPC server of a Falco up to 0.43?

The server was deprecated in 0.43 and removed in 0.44. Messages and services are transcribed from
the field numbers of falcosecurity/falco userspace/falco/{outputs,schema,version}.proto at 0.43.1:
`falco.outputs.service` with `get` (what waits now) and `sub` (what comes, answered while requests
arrive), and `falco.version.service`. Needs the extra `falco-grpc`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

import msgspec

from kguard.errors import SourceError, UsageError
from kguard.layers.runtime.alerts.alert import MAX_EVENT_BYTES, PRIORITIES, Alert

GRAVE = ("UNAUTHENTICATED", "PERMISSION_DENIED", "UNIMPLEMENTED")
"""Answers after which it makes no sense to ask again."""

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
"""Between two attempts to connect again; the wait doubles."""

ASK_SECONDS = 1.0
"""Between two requests of a subscription: Falco sends what it has when it is asked."""

_STRING, _MESSAGE, _UINT32, _ENUM = 9, 11, 13, 14
_OPTIONAL, _REPEATED = 1, 3
_RESPONSE = (
    (1, "time", _MESSAGE, _OPTIONAL, ".google.protobuf.Timestamp"),
    (2, "priority", _ENUM, _OPTIONAL, ".falco.schema.priority"),
    (4, "rule", _STRING, _OPTIONAL, ""),
    (5, "output", _STRING, _OPTIONAL, ""),
    (6, "output_fields", _MESSAGE, _REPEATED, ".falco.outputs.response.OutputFieldsEntry"),
    (7, "hostname", _STRING, _OPTIONAL, ""),
    (8, "tags", _STRING, _REPEATED, ""),
    (9, "source", _STRING, _OPTIONAL, ""),
)
_VERSION = (
    (1, "version", _STRING, _OPTIONAL, ""),
    (2, "major", _UINT32, _OPTIONAL, ""),
    (3, "minor", _UINT32, _OPTIONAL, ""),
    (4, "patch", _UINT32, _OPTIONAL, ""),
    (5, "prerelease", _STRING, _OPTIONAL, ""),
    (6, "build", _STRING, _OPTIONAL, ""),
    (7, "engine_minor", _UINT32, _OPTIONAL, ""),
    (8, "engine_fields_checksum", _STRING, _OPTIONAL, ""),
    (9, "engine_major", _UINT32, _OPTIONAL, ""),
    (10, "engine_patch", _UINT32, _OPTIONAL, ""),
    (11, "engine_version", _STRING, _OPTIONAL, ""),
)


class Credentials(msgspec.Struct, frozen=True):
    """PEM files of mutual TLS; empty for a unix socket."""

    ca: str = ""
    certificate: str = ""
    key: str = ""


class FalcoGrpc:
    """A client of one Falco.

    Args:
        endpoint: `unix:///run/falco/falco.sock` or `HOST:PORT`.
        credentials: mutual TLS, which Falco asks for on a TCP port.

    Raises:
        UsageError: the extra is not installed, or a TCP endpoint without certificates.
        SourceError: a PEM file cannot be read.
    """

    def __init__(self, endpoint: str, credentials: Credentials) -> None:
        self._endpoint = endpoint
        self._grpc = _library()
        self._channel = self._connect(credentials)

    def _connect(self, credentials: Credentials) -> Any:
        options = [("grpc.max_receive_message_length", MAX_EVENT_BYTES)]
        if self._endpoint.startswith("unix:"):
            return self._grpc.insecure_channel(self._endpoint, options)
        if not all(msgspec.structs.astuple(credentials)):
            raise UsageError(
                f"--grpc {self._endpoint} needs --tls-ca, --tls-cert and --tls-key",
                hint="Falco's gRPC server wants mutual TLS on a TCP port",
            )
        secured = self._grpc.ssl_channel_credentials(
            root_certificates=_pem(credentials.ca),
            private_key=_pem(credentials.key),
            certificate_chain=_pem(credentials.certificate),
        )
        return self._grpc.secure_channel(self._endpoint, secured, options)

    def version(self) -> str:
        """The version that the server says it is.

        Raises:
            SourceError: it does not answer.
        """
        call = self._channel.unary_unary(
            "/falco.version.service/version",
            request_serializer=_message("falco.version.request").SerializeToString,
            response_deserializer=_message("falco.version.response").FromString,
        )
        try:
            return str(call(_message("falco.version.request")(), timeout=10).version)
        except self._grpc.RpcError as error:
            raise self._error(error) from None

    def waiting(self) -> Iterator[Alert]:
        """The alerts that wait in Falco's queue now.

        Raises:
            SourceError: the server cannot be reached or refuses.
        """
        call = self._channel.unary_stream("/falco.outputs.service/get", **_codec())
        try:
            for response in call(_message("falco.outputs.request")()):
                yield _alert(response)
        except self._grpc.RpcError as error:
            raise self._error(error) from None

    def subscribe(self, stop: Event) -> Iterator[Alert]:
        """Alerts as they come, until `stop` is set; a lost connection is made again.

        Raises:
            SourceError: the server refuses for good.
        """
        wait = FIRST_WAIT_SECONDS
        while not stop.is_set():
            call = self._channel.stream_stream("/falco.outputs.service/sub", **_codec())(
                _requests(stop)
            )
            try:
                for response in call:
                    wait = FIRST_WAIT_SECONDS
                    yield _alert(response)
            except self._grpc.RpcError as error:
                if error.code().name in GRAVE:
                    raise self._error(error) from None
            finally:
                call.cancel()
            stop.wait(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _error(self, error: Any) -> SourceError:
        code = error.code().name
        hint = (
            "Falco 0.44 and newer have no gRPC server: use http_output" if code in _ABSENT else ""
        )
        details = str(error.details() or "").splitlines()
        return SourceError(
            f"Falco's gRPC server answers {code}: {details[0] if details else ''}".rstrip(": "),
            where=self._endpoint,
            hint=hint,
        )


_ABSENT = ("UNAVAILABLE", "UNIMPLEMENTED", "DEADLINE_EXCEEDED")


def _requests(stop: Event) -> Iterator[Any]:
    request = _message("falco.outputs.request")()
    while not stop.is_set():
        yield request
        time.sleep(ASK_SECONDS)


def _codec() -> dict[str, Any]:
    return {
        "request_serializer": _message("falco.outputs.request").SerializeToString,
        "response_deserializer": _message("falco.outputs.response").FromString,
    }


def _alert(response: Any) -> Alert:
    return Alert(
        time=response.time.seconds * 1_000_000_000 + response.time.nanos,
        rule=response.rule,
        priority=PRIORITIES[response.priority] if response.priority < len(PRIORITIES) else "Debug",
        source=response.source or "syscall",
        hostname=response.hostname,
        output=response.output,
        tags=tuple(response.tags),
        fields=dict(response.output_fields),
    )


def _library() -> Any:
    try:
        import grpc
        from google.protobuf import descriptor_pool  # noqa: F401 - asked for before it is needed
    except ImportError:
        raise UsageError(
            "--grpc needs the gRPC packages", hint='pip install "kguard-scanner[falco-grpc]"'
        ) from None
    return grpc


def _pem(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=name) from None


@cache
def _message(name: str) -> Any:
    """The class of a message of the transcription."""
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


@cache
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, timestamp_pb2

    pool = descriptor_pool.DescriptorPool()
    stamp = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(stamp)
    pool.Add(stamp)
    for file in _files(descriptor_pb2):
        pool.Add(file)
    return pool


def _files(pb: Any) -> Iterator[Any]:
    schema = pb.FileDescriptorProto(name="schema.proto", package="falco.schema", syntax="proto3")
    priority = schema.enum_type.add(name="priority")
    for number, name in enumerate(PRIORITIES):
        priority.value.add(name=name.upper(), number=number)
    yield schema
    outputs = pb.FileDescriptorProto(name="outputs.proto", package="falco.outputs", syntax="proto3")
    outputs.dependency.extend(["google/protobuf/timestamp.proto", "schema.proto"])
    outputs.message_type.add(name="request")
    response = outputs.message_type.add(name="response")
    _add_fields(response, _RESPONSE)
    entry = response.nested_type.add(name="OutputFieldsEntry")
    entry.options.map_entry = True
    _add_fields(entry, ((1, "key", _STRING, _OPTIONAL, ""), (2, "value", _STRING, _OPTIONAL, "")))
    yield outputs
    version = pb.FileDescriptorProto(name="version.proto", package="falco.version", syntax="proto3")
    version.message_type.add(name="request")
    _add_fields(version.message_type.add(name="response"), _VERSION)
    yield version


def _add_fields(message: Any, fields: tuple[tuple[int, str, int, int, str], ...]) -> None:
    for number, name, kind, label, type_name in fields:
        field = message.field.add(number=number, name=name, type=kind, label=label)
        if type_name:
            field.type_name = type_name
