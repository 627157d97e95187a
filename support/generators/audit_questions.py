# SPDX-License-Identifier: Apache-2.0
"""Which audit policy files and requests are worth asking the API server's own code about?

Everything comes from one seed. Most policies are valid; some have misspelt, duplicate or missing
fields, values of another type, or one thing that validation refuses. Requests use the constants
of the policies, so that rules match often.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
USERS = ("jane", "system:anonymous", "system:apiserver", "system:serviceaccount:shop:api", "*", "")
GROUPS = ("dev", "system:authenticated", "system:serviceaccounts", "system:nodes", "*", "")
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "post")
API_GROUPS = ("", "apps", "rbac.authorization.k8s.io", "security.istio.io", "new.example", "*")
RESOURCES = ("pods", "secrets", "deployments", "widgets")
SUBRESOURCES = ("", "exec", "status", "token")
PATTERNS = ("*", "pods/*", "*/exec", "*/*", "secrets/*", "pods/exec", "widgets/status")
NAMESPACES = ("", "shop", "kube-system", "*")
NAMES = ("", "web", "leader")
URLS = ("*", "/healthz*", "/healthz", "/h*", "/", "/metrics", "/api*", "/version/*")
PATHS = ("/", "/healthz", "/healthz/etcd", "/h", "/metrics", "/api", "/apis/apps", "/version/x")
WRONG = (7, True, None, {"a": "b"}, ["x"], "Medium")
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_STRICT_SHARE = 0.6
"""How many of the policies are written without any fault."""


def questions(seed: int, policies: int, requests: int) -> Iterator[dict[str, Any]]:
    """What the oracle takes: a file, requests and URLs for each policy."""
    chance = random.Random(seed)
    for _ in range(policies):
        text = _text(chance, policy(chance))
        yield {
            "file": base64.b64encode(text.encode()).decode(),
            "requests": [_request(chance) for _ in range(requests)],
            "urls": [{"method": chance.choice(METHODS), "uri": _url(chance)} for _ in range(4)],
        }


def policy(chance: random.Random) -> dict[str, Any]:
    """A policy as a document, with a fault in some of them."""
    found: dict[str, Any] = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": [_rule(chance) for _ in range(chance.randint(1, 6))],
    }
    if chance.random() < 0.3:
        found["omitStages"] = _some(chance, STAGES)
    if chance.random() < 0.2:
        found["omitManagedFields"] = chance.random() < 0.5
    if chance.random() > _STRICT_SHARE:
        chance.choice(_FAULTS)(chance, found)
    return found


def _rule(chance: random.Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"level": chance.choice(LEVELS)}
    for field, values in (("users", USERS), ("userGroups", GROUPS), ("verbs", VERBS)):
        if chance.random() < 0.25:
            rule[field] = _some(chance, values)
    kind = chance.random()
    if kind < 0.5:
        rule["resources"] = [_entry(chance) for _ in range(chance.randint(1, 3))]
    elif kind < 0.65:
        rule["nonResourceURLs"] = _some(chance, URLS)
    if kind < 0.5 and chance.random() < 0.3:
        rule["namespaces"] = _some(chance, NAMESPACES)
    if chance.random() < 0.2:
        rule["omitStages"] = _some(chance, STAGES)
    if chance.random() < 0.1:
        rule["omitManagedFields"] = chance.random() < 0.5
    return rule


def _entry(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {"group": chance.choice(API_GROUPS)}
    if chance.random() < 0.8:
        found["resources"] = _some(chance, (*RESOURCES, *PATTERNS))
        if chance.random() < 0.3:
            found["resourceNames"] = _some(chance, NAMES)
    return found


def _some(chance: random.Random, values: tuple[str, ...]) -> list[str]:
    return chance.sample(values, chance.randint(1, min(3, len(values))))


def _misspelt(chance: random.Random, policy: dict[str, Any]) -> None:
    rule = chance.choice(policy["rules"])
    rule[chance.choice(("verb", "Verbs", "namespace", "nonResourceUrls", "users ", "x"))] = ["get"]


def _misplaced(chance: random.Random, policy: dict[str, Any]) -> None:
    for entry in chance.choice(policy["rules"]).get("resources", []):
        entry["verbs"] = ["get"]


def _of_another_type(chance: random.Random, policy: dict[str, Any]) -> None:
    fields = ("level", "users", "verbs", "resources", "namespaces", "omitStages")
    chance.choice(policy["rules"])[chance.choice(fields)] = chance.choice(WRONG)


def _refused(chance: random.Random, policy: dict[str, Any]) -> None:
    rule = chance.choice(policy["rules"])
    rule.update(
        chance.choice(
            (
                {"level": "metadata"},
                {"level": ""},
                {"omitStages": ["Complete"]},
                {"nonResourceURLs": ["logs", "/a*b", "/**", ""]},
                {"resources": [{"group": "apps/v1"}]},
                {"resources": [{"resourceNames": ["web"]}]},
                {"nonResourceURLs": ["/x"], "namespaces": ["shop"]},
            )
        )
    )


def _without(chance: random.Random, policy: dict[str, Any]) -> None:
    policy.pop(chance.choice(("apiVersion", "kind", "rules")))


def _renamed(chance: random.Random, policy: dict[str, Any]) -> None:
    field, value = chance.choice(
        (
            ("apiVersion", "audit.k8s.io/v1beta1"),
            ("apiVersion", "v1"),
            ("kind", "ClusterPolicy"),
            ("rules", []),
            ("rules", None),
            ("metadata", {"name": "x", "labels": {"a": "b"}}),
            ("spec", {}),
        )
    )
    policy[field] = value


_FAULTS: tuple[Callable[[random.Random, dict[str, Any]], None], ...] = (
    _misspelt,
    _misplaced,
    _of_another_type,
    _refused,
    _without,
    _renamed,
)


def _text(chance: random.Random, policy: dict[str, Any]) -> str:
    """The file: block YAML, JSON, or YAML with a field that stands twice."""
    style = chance.random()
    if style < 0.2:
        return json.dumps(policy)
    lines = [f"{key}: {json.dumps(value)}" for key, value in policy.items() if key != "rules"]
    rules = policy.get("rules", ())
    if not isinstance(rules, list):
        lines.append("rules:")
    elif rules:
        lines += ["rules:", *(line for rule in rules for line in _rule_lines(chance, rule))]
    if style > 0.9:
        lines.append("omitStages: [Panic]")
    if style > 0.95:
        lines += ["---", "kind: Policy"]
    return "\n".join(lines) + "\n"


def _rule_lines(chance: random.Random, rule: dict[str, Any]) -> list[str]:
    fields = [f"{key}: {json.dumps(value)}" for key, value in rule.items()]
    if chance.random() < 0.03:
        fields.append(f"level: {chance.choice(LEVELS)}")
    return [f"{'- ' if not number else '  '}{field}" for number, field in enumerate(fields)]


def _request(chance: random.Random) -> dict[str, Any]:
    user = chance.choice((*USERS[:-2], "joe", None))
    found: dict[str, Any] = {
        "user": user,
        "groups": [] if user is None else _some(chance, (*GROUPS[:-2], "ops")),
        "verb": chance.choice(VERBS),
        "resourceRequest": chance.random() < 0.8,
    }
    if not found["resourceRequest"]:
        return {**found, "path": chance.choice(PATHS)}
    return {
        **found,
        "apiGroup": chance.choice(API_GROUPS[:-1]),
        "resource": chance.choice(RESOURCES),
        "subresource": chance.choice(SUBRESOURCES),
        "namespace": chance.choice(NAMESPACES[:-1]),
        "name": chance.choice(NAMES),
    }


_SEGMENTS = ("api", "apis", "v1", "apps", "namespaces", "shop", "pods", "web", "exec", "status")
_RARE = ("watch", "proxy", "finalize", "", "a%2Fb", "x", "metrics", "nodes", "token")
_QUERIES = (
    "watch=true",
    "watch=0",
    "watch",
    "watch=False",
    "fieldSelector=metadata.name%3Dweb",
    "fieldSelector=metadata.name==web",
    "fieldSelector=metadata.name!=web",
    "fieldSelector=spec.nodeName=n,metadata.name=web",
    "fieldSelector=metadata.name=a,b",
    "fieldSelector=metadata.name%3Da%2Fb",
    "limit=500",
    "limit=x",
    "timeoutSeconds=1",
    "command=id",
)


def _url(chance: random.Random) -> str:
    shape = chance.random()
    if shape < 0.6:
        group = chance.choice(("/api/v1", "/apis/apps/v1", "/apis/new.example/v1"))
        scope = chance.choice(("", "/namespaces/shop", "/namespaces/shop/", "/watch", "/proxy"))
        rest = chance.choice(("", "/pods", "/pods/web", "/pods/web/exec", "/nodes/n", "/status"))
        path = group + scope + rest
    else:
        parts = [chance.choice((*_SEGMENTS, *_RARE)) for _ in range(chance.randint(0, 6))]
        path = "/" + "/".join(parts)
    query = "&".join(chance.sample(_QUERIES, chance.randint(0, 2)))
    return f"{path}?{query}" if query else path
