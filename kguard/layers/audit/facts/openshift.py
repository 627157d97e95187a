# SPDX-License-Identifier: Apache-2.0
"""What does an audit profile of OpenShift record?

Authority: openshift/library-go pkg/operator/apiserver/audit: every policy begins with the same
rules; those of the custom rules follow, each for one group, then those of the profile. Under the
profile None custom rules are ignored by the operator's documentation, and nothing is recorded.
"""

from __future__ import annotations

from typing import Any

from kguard.model.manifests import JsonObject, mapping, sequence

_WRITES = ["update", "patch", "create", "delete", "deletecollection"]
_FIRST: list[JsonObject] = [
    {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
    {
        "level": "None",
        "userGroups": ["system:authenticated", "system:unauthenticated"],
        "nonResourceURLs": ["/api*", "/version", "/healthz", "/readyz"],
    },
    {
        "level": "None",
        "users": ["system:apiserver"],
        "resources": [
            {
                "group": "apiserver.openshift.io",
                "resources": ["apirequestcounts", "apirequestcounts/*"],
            }
        ],
        "namespaces": [""],
    },
]
_QUIET: list[JsonObject] = [
    {
        "level": "Metadata",
        "resources": [
            {"group": "route.openshift.io", "resources": ["routes", "routes/status"]},
            {"group": "", "resources": ["secrets"]},
        ],
    },
    {
        "level": "Metadata",
        "resources": [{"group": "oauth.openshift.io", "resources": ["oauthclients"]}],
    },
]
_REST: JsonObject = {"level": "Metadata", "omitStages": ["RequestReceived"]}
PROFILES: dict[str, list[JsonObject]] = {
    "None": [{"level": "None"}],
    "Default": [_REST],
    "WriteRequestBodies": [*_QUIET, {"level": "RequestResponse", "verbs": _WRITES}, _REST],
    "AllRequestBodies": [*_QUIET, {"level": "RequestResponse"}],
}


def policy_of_profile(audit: JsonObject) -> Any:
    """The policy that the operator writes; None for a profile that there is not."""
    profile = audit.get("profile") or "Default"
    if not isinstance(profile, str) or profile not in PROFILES:
        return None
    rules = list(_FIRST)
    if profile != "None":
        for entry in sequence(audit.get("customRules")):
            rules += _for_group(mapping(entry))
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "omitManagedFields": True,
        "rules": [*rules, *PROFILES[profile]],
    }


def _for_group(custom: JsonObject) -> list[JsonObject]:
    group, profile = custom.get("group"), custom.get("profile")
    if not isinstance(group, str) or not isinstance(profile, str):
        return []
    return [{**rule, "userGroups": [group]} for rule in PROFILES.get(profile, [])]
