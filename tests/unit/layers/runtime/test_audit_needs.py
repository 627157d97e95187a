# SPDX-License-Identifier: Apache-2.0
"""What must the audit log hold for a rule about audit events to fire?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.semantics.audit_needs import STAGES, VERBS, need_of
from kguard.layers.runtime.semantics.parser import parse


def need(text):
    return need_of(parse(text))


@pytest.mark.parametrize(
    ("condition", "level"),
    [
        ("ka.verb = create", "Metadata"),
        ("ka.response.code = 200", "Metadata"),
        ("ka.req.pod.host_network intersects (true)", "Request"),
        ("ka.verb = create and ka.req.configmap.obj contains password", "Request"),
        ("jevt.value[/requestObject/spec/tls] exists", "Request"),
        ("jevt.value[/responseObject/metadata/name] = x", "RequestResponse"),
        ("ka.resp.name = x", "RequestResponse"),
        # a comparison with what is not there is false, so its negation holds
        ("not ka.req.pod.containers.image in (a, b)", "Metadata"),
        ("ka.verb = create or ka.resp.name = x", "Metadata"),
    ],
)
def test_how_much_of_a_request(condition, level):
    assert need(condition).level == level


@pytest.mark.parametrize(
    ("condition", "stages"),
    [
        ("ka.stage = ResponseComplete", ("ResponseComplete",)),
        ("jevt.value[/stage] in (ResponseStarted)", ("ResponseStarted",)),
        ("ka.stage != RequestReceived", ("ResponseStarted", "ResponseComplete", "*")),
        ("ka.verb = get", (*STAGES, "*")),
        ("ka.stage startswith Response", ("*",)),
    ],
)
def test_which_stages(condition, stages):
    assert need(condition).stages == stages


@pytest.mark.parametrize(
    ("condition", "verbs"),
    [
        ("ka.verb in (create, update)", ("create", "update")),
        ("ka.verb = impersonate", ("*",)),
        ("not ka.verb in (get, list, watch)", (*(set(VERBS) - {"get", "list", "watch"}), "*")),
        ("ka.verb contains delete", ("*",)),
        ("ka.target.name = x", (*VERBS, "*")),
    ],
)
def test_which_verbs(condition, verbs):
    assert set(need(condition).verbs) == set(verbs)


@pytest.mark.parametrize(
    ("condition", "resources", "subresources"),
    [
        ("ka.target.resource = pods", ("pods",), ("", "*")),
        ("ka.target.resource = pods and ka.target.subresource = exec", ("pods",), ("exec",)),
        ("ka.target.resource = pods and not ka.target.subresource exists", ("pods",), ("",)),
        ("jevt.value[/objectRef/resource] = secrets", ("secrets",), ("", "*")),
        ("ka.verb = get", ("*", ""), ("", "*")),
        ("ka.target.resource != pods", ("*",), ("", "*")),
        ("ka.target.resource startswith config", ("*",), ("", "*")),
        ("ka.uri startswith /healthz", ("*", ""), ("", "*")),
    ],
)
def test_which_resources(condition, resources, subresources):
    found = need(condition)
    assert (found.resources, found.subresources) == (resources, subresources)
