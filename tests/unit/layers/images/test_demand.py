# SPDX-License-Identifier: Apache-2.0
"""Does a generated policy name every signer, and enforce only where nothing is refused?"""

from __future__ import annotations

import msgspec
import pytest

from kguard.layers.images.remedy.demand import demand
from kguard.layers.images.remedy.passing import passes, why_stopped
from kguard.layers.images.remedy.sign import UPGRADES
from kguard.model.facts.images import EvidenceFact, Facts, ImageUse
from kguard.model.manifests import Manifest, ObjectRef, SourceText
from kguard.model.remedies import Cannot, Create, RemedyRequest
from support.generators.signed.pki import Key
from tests.unit.layers.images.test_compare import _facts as facts

GITHUB = "https://token.actions.githubusercontent.com"
KEY = Key("release")


def use(name, **changes):
    values = {
        "ref": ObjectRef("v1", "Pod", "shop", name),
        "image": f"ghcr.io/acme/app:{name}",
        "reference": "ghcr.io/acme/app",
        "signature": "verified",
        "signature_reason": "signed",
        "signer": "https://github.com/acme/app",
        "issuer": GITHUB,
        "format": "legacy",
        "enforcer": "policy-controller",
    }
    (made,) = facts().uses
    return msgspec.structs.replace(made, **{**values, **changes})


def proposed(*uses: ImageUse, stage="enforce"):
    evidence = EvidenceFact("read", 1, [], {"sha256:k": "PEM"}, [], [])
    known: Facts = msgspec.structs.replace(facts(), uses=list(uses), evidence=evidence)
    finding = msgspec.defstruct("F", [("fingerprint", str)])("f")
    request = RemedyRequest((), known, None, stage)
    return demand(finding, uses[0], request)


def test_every_signer_of_the_repository_is_named():
    keyed = use("b", signer="sha256:k", issuer="")
    bundle = use("c", format="bundle", signer="https://github.com/acme/other")
    found = proposed(use("a"), keyed, bundle, use("d", reference="ghcr.io/acme/else"))
    assert isinstance(found, Create)
    spec = found.object["spec"]
    assert spec["mode"] == "enforce"
    assert spec["images"] == [{"glob": "ghcr.io/acme/app@sha256:*"}]
    bundles, key, legacy = spec["authorities"]
    assert bundles["signatureFormat"] == "bundle"
    assert bundles["keyless"]["identities"] == [
        {"issuer": GITHUB, "subject": "https://github.com/acme/other"}
    ]
    assert key["key"]["data"] == "PEM"
    assert legacy["keyless"]["identities"][0]["subject"] == "https://github.com/acme/app"


@pytest.mark.parametrize(
    "other",
    [
        use("b", signature="unsigned", signature_reason="nobody signed it"),
        use("b", signature="unknown_auth", signature_reason="nobody signed it"),
        use("b", format="bundle", issuer="", signer="sha256:k"),
    ],
)
def test_it_only_warns_where_something_that_runs_would_be_refused(other):
    found = proposed(use("a"), other)
    assert isinstance(found, Create)
    assert found.object["spec"]["mode"] == "warn"
    assert "it only warns, because it would refuse Pod shop/b" in found.why


def test_stages():
    assert proposed(use("a"), stage="warn").object["spec"]["mode"] == "warn"


def test_kyverno_denies_or_audits():
    good, bad = use("a", enforcer="kyverno"), use("b", enforcer="kyverno", signature="unsigned")
    assert proposed(good).object["spec"]["validationActions"] == ["Deny"]
    assert proposed(good, bad).object["spec"]["validationActions"] == ["Audit"]


def test_nothing_is_demanded_that_nobody_reads():
    assert isinstance(proposed(use("a", format="bundle", issuer="", signer="sha256:k")), Cannot)
    assert isinstance(proposed(use("a", signature="unsigned")), Cannot)
    assert isinstance(proposed(use("a", enforcer="connaisseur")), Cannot)


def policy(authority):
    spec = {"images": [{"glob": "**"}], "authorities": [authority]}
    found = Manifest({"spec": spec}, SourceText("", 0, 1, ""))
    found.api_version, found.kind = "policy.sigstore.dev/v1beta1", "ClusterImagePolicy"
    return found


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ({"keyless": {"identities": [{"issuer": GITHUB, "subjectRegExp": "acme/app"}]}}, True),
        ({"keyless": {"identities": [{"issuer": GITHUB, "subject": "acme/app"}]}}, False),
        ({"keyless": {"identities": [{"issuer": "x", "subjectRegExp": ".*"}]}}, False),
        ({"key": {"data": KEY.pem.decode()}}, False),
        ({"static": {"action": "pass"}}, True),
    ],
)
def test_the_policy_itself_must_name_the_signer(authority, expected):
    seen = use("a", visible="true")
    assert passes(seen, policy(authority)) is expected
    assert not passes(msgspec.structs.replace(seen, visible="unknown"), policy(authority))
    if not expected:
        assert "does not name its signer" in why_stopped(seen, policy(authority))


def test_the_policys_own_key():
    from kguard.layers.images.verification.keys import load_pem

    signed = use("a", visible="true", issuer="", signer=load_pem(KEY.pem).fingerprint)
    assert passes(signed, policy({"key": {"data": KEY.pem.decode()}}))
    assert not passes(signed, policy({"key": {"data": Key("other").pem.decode()}}))
    assert not passes(signed, policy({"key": {"data": "no key"}}))


def test_every_enforcer_has_advice():
    assert set(UPGRADES) >= {"policy-controller", "kyverno", "openshift", "connaisseur"}
