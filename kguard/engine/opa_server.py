# SPDX-License-Identifier: Apache-2.0
"""How are policies evaluated by an OPA server?

Through opa-python-client, behind this adapter, because the client has traps: an undefined rule is
a silent `{}`, the timeout is 1.5 s, and rejected policies are rewritten unless `rego_compat` is
off. Policies are put under `kguard/<digest>/` and removed afterwards; a server where that name
holds something else is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from kguard.engine.base import Answers, Batch, Failure, queries, require_set, without
from kguard.engine.merge import ALL, merged
from kguard.errors import EngineError, PolicyError, UsageError
from kguard.model.findings import Policy

TIMEOUT_SECONDS = 60
_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_DATA = re.compile(r"\bdata\.([\w.]+)")


class OpaEngine:
    """An OPA server that judges with our policies for the time of a scan."""

    def __init__(self, url: str, *, ca_file: str = "") -> None:
        self._client = _client(url, ca_file)
        self._url = url
        self._root = ""
        self._uploaded: list[str] = []
        self._loaded: set[str] = set()
        self._together: dict[str, str] = {}

    def load(self, policies: Sequence[Policy], libraries: Mapping[str, str]) -> list[Failure]:
        """Upload libraries and policies under a name of our own."""
        modules = dict(libraries) | {policy.file: policy.text for policy in policies}
        digest = hashlib.sha256(json.dumps(modules, sort_keys=True).encode()).hexdigest()
        self._root = f"kguard_{digest[:16]}"
        self._refuse_foreign()
        packages = {match[1] for text in modules.values() if (match := _PACKAGE.search(text))}
        broken = self._put_libraries(libraries, packages)
        alone = [policy for policy in policies if not policy.bundled]
        for layer in sorted({policy.layer for policy in policies if policy.bundled}):
            alone += self._put_together(
                layer, [p for p in policies if (p.layer, p.bundled) == (layer, True)]
            )
        failures = list(without(policies, broken))
        failed = {failure.policy for failure in failures}
        needed = {path for policy in policies for path in policy.modules}
        failures += [Failure(path, broken[path]) for path in sorted(broken.keys() - needed)]
        for policy in (policy for policy in alone if policy.id not in failed):
            reason = self._put(policy.file, self._moved(policy.text, packages))
            if reason:
                failures.append(Failure(policy.id, reason))
            else:
                self._loaded.add(policy.file)
        return failures

    def _put_libraries(self, libraries: Mapping[str, str], packages: set[str]) -> dict[str, str]:
        """Upload the modules that others import; why some cannot be, by path.

        The server refuses a call of a function that it does not have yet: what it refuses is put
        again after the others, as long as that helps.
        """
        waiting = dict(libraries)
        while True:
            broken = {}
            for path, text in waiting.items():
                if reason := self._put(path, self._moved(text, packages)):
                    broken[path] = reason
            if len(broken) in (0, len(waiting)):
                return broken
            waiting = {path: waiting[path] for path in broken}

    def _put_together(self, layer: str, policies: list[Policy]) -> list[Policy]:
        """Upload the shipped policies of a layer as one module; those that must go alone."""
        if self._put(f"{layer}.rego", merged(f"{self._root}.{layer}", policies)):
            return policies
        self._together.update((policy.id, layer) for policy in policies)
        return []

    def _refuse_foreign(self) -> None:
        prefix = f"kguard/{self._root}/"
        with self._reporting():
            names = self._client.get_policies_list()
        if any(name.startswith(prefix) for name in names):
            raise EngineError(
                f"the OPA server already holds policies under {prefix}",
                where=self._url,
                hint="another scan may be running there; use a server of your own",
            )

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Turn the unrelated exceptions of client and transport into engine errors."""
        import requests
        from opa_client.errors import DeletePolicyError, RegoParseError

        try:
            yield
        except requests.HTTPError as error:
            raise EngineError(_reason(error.response)) from None
        except requests.RequestException as error:
            reason = f"the OPA server does not answer: {type(error).__name__}"
            hint = "start one (`opa run --server`), or leave out --engine"
            raise EngineError(reason, where=self._url, hint=hint) from None
        except RegoParseError as error:
            raise PolicyError(" ".join(str(error).split())) from None
        except DeletePolicyError as error:
            reason = f"a policy cannot be removed again: {error}"
            raise EngineError(reason, where=self._url) from None

    def _moved(self, text: str, packages: set[str]) -> str:
        """The module with its package, and references to our packages, below our root."""
        moved = _PACKAGE.sub(rf"package {self._root}.\1", text, count=1)
        return _DATA.sub(
            lambda m: f"data.{self._root}.{m[1]}" if _ours(m[1], packages) else m[0], moved
        )

    def _put(self, path: str, text: str) -> str:
        name = f"kguard/{self._root}/{hashlib.sha256(path.encode()).hexdigest()[:16]}.rego"
        try:
            with self._reporting():
                self._client.update_policy_from_string(text, name, rego_compat=False)
        except PolicyError as error:
            return f"{path}: {error.message}"
        self._uploaded.append(name)
        return ""

    def evaluate(self, batch: Batch) -> Iterator[tuple[Policy, Answers | Failure]]:
        """Ask the server once for each layer's shipped policies and each other entry point."""
        document = json.loads(batch.input)
        together = [policy for policy in batch.policies if policy.id in self._together]
        yield from self._results(together, document)
        for policy in batch.policies:
            if policy.file in self._loaded:
                yield policy, self._answers(policy, document)

    def _results(
        self, policies: Sequence[Policy], document: Any
    ) -> Iterator[tuple[Policy, Answers]]:
        """The sets of shipped policies, with one request for each layer."""
        for layer in sorted({self._together[policy.id] for policy in policies}):
            sets = self._query(f"{self._root}.{layer}", ALL, document) or {}
            for policy in policies:
                if self._together[policy.id] == layer:
                    yield policy, {q: _set(q, sets.get(q)) for q, _ in queries(policy)}

    def _answers(self, policy: Policy, document: Any) -> Answers | Failure:
        try:
            return {query: self._entry_point(query, document) for query, _ in queries(policy)}
        except EngineError as error:
            return Failure(policy.id, f"{policy.file}: {error.message}")

    def _entry_point(self, query: str, document: Any) -> bytes:
        package, _, rule = query.removeprefix("data.").rpartition(".")
        return _set(query, self._query(f"{self._root}.{package}", rule, document))

    def _query(self, package: str, rule: str, document: Any) -> Any:
        strict = {"strict-builtin-errors": "true"}
        with self._reporting():
            return self._client.query_rule(document, package, rule, strict).get("result")

    def close(self) -> None:
        """Remove what was put on the server."""
        for name in reversed(self._uploaded):  # what others call goes last
            with self._reporting():
                self._client.delete_policy(name)
        self._uploaded.clear()
        self._client.close_connection()


def _set(query: str, value: Any) -> bytes:
    return require_set(query, None if value is None else msgspec.json.encode(value))


def _client(url: str, ca_file: str) -> Any:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise UsageError(
            f"--opa-url {url} is not of the form http(s)://HOST:PORT", hint="http://127.0.0.1:8181"
        )
    try:
        from opa_client.opa import OpaClient
    except ImportError:
        raise UsageError(
            "--engine opa needs opa-python-client", hint="pip install 'kguard-scanner[opa]'"
        ) from None
    secure = parts.scheme == "https"
    return OpaClient(
        host=parts.hostname,
        port=parts.port or (443 if secure else 80),
        ssl=(ca_file or True) if secure else False,
        timeout=TIMEOUT_SECONDS,
    )


def _ours(reference: str, packages: set[str]) -> bool:
    return any(reference == p or reference.startswith(f"{p}.") for p in packages)


def _reason(response: Any) -> str:
    try:
        body = response.json()
    except ValueError:
        return f"status {response.status_code}"
    errors = body.get("errors") or [body]
    first = errors[0]
    place = first.get("location") or {}
    where = f"line {place['row']}: " if "row" in place else ""
    return f"{where}{first.get('message', body.get('code', response.status_code))}"
