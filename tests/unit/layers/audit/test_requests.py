# SPDX-License-Identifier: Apache-2.0
"""Which attributes does a request have?"""

from __future__ import annotations

import pytest

from kguard.layers.audit.semantics.requests import attributes, stages


@pytest.mark.parametrize(
    ("method", "uri", "expected"),
    [
        ("GET", "/api/v1/namespaces/a/pods/p/exec?command=id", "get  pods exec a p"),
        ("POST", "/api/v1/namespaces/a/pods/p/exec", "create  pods exec a p"),
        ("GET", "/api/v1/pods", "list  pods   "),
        ("GET", "/api/v1/pods?watch=1", "watch  pods   "),
        ("GET", "/api/v1/pods?watch=0", "list  pods   "),
        ("GET", "/api/v1/watch/pods", "watch  pods   "),
        ("GET", "/api/v1/proxy/nodes/n1", "proxy  nodes   n1"),
        (
            "DELETE",
            "/apis/apps/v1/namespaces/a/deployments",
            "deletecollection apps deployments  a ",
        ),
        ("GET", "/api/v1/namespaces/a", "get  namespaces  a a"),
        ("PUT", "/api/v1/namespaces/a/finalize", "update  namespaces finalize a a"),
        ("GET", "/api/v1/pods?fieldSelector=metadata.name%3Dp", "list  pods   p"),
        ("OPTIONS", "/api/v1/nodes", "  nodes   "),
    ],
)
def test_resource_requests(method: str, uri: str, expected: str) -> None:
    found = attributes(method, uri, "jane")
    fields = (found.verb, found.api_group, found.resource, found.subresource)
    assert found.resource_request
    assert " ".join((*fields, found.namespace, found.name)) == expected


@pytest.mark.parametrize("path", ["/api", "/apis/apps", "/apis/apps/v1", "/healthz", "/"])
def test_paths(path: str) -> None:
    found = attributes("HEAD", f"{path}?verbose", "jane")
    assert (found.resource_request, found.verb, found.path) == (False, "head", path)


def test_stages() -> None:
    nobody = attributes("GET", "/api/v1/pods", None, ("ignored",))
    watch = attributes("GET", "/api/v1/pods?watch=true", "jane")
    plain = attributes("GET", "/api/v1/pods", "jane")
    assert nobody.groups == ()
    assert stages(nobody) == ("ResponseStarted",)
    assert stages(watch) == ("RequestReceived", "ResponseStarted", "ResponseComplete")
    assert stages(plain) == ("RequestReceived", "ResponseComplete")
