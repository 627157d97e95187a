# SPDX-License-Identifier: Apache-2.0
"""Does every signer count for the roots and images that it is trusted for, and no others?"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from kguard.cli.images import list_
from kguard.layers.images import command
from kguard.layers.images.assess import assess
from kguard.layers.images.semantics.demands import demands_of
from kguard.layers.images.semantics.identities import Identity
from kguard.layers.images.semantics.references import parse_weakly
from kguard.layers.images.trust import Scope, add_stores, read_trust
from kguard.layers.images.trust_objects import read_trust_root
from kguard.layers.images.verification.judge import Authorities
from kguard.layers.images.verification.provenance import Provenance, read_provenance
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root, parse_roots
from kguard.model.manifests import Manifest, SourceText
from support.generators.signed.cases import files, pki
from support.generators.signed.images import Repository, sign
from support.generators.signed.pki import ISSUER, SIGNED_AT, SUBJECT, Key, Root
from tests.conformance.cosign.vectors import Recorded
from tests.conftest import ROOT

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OWN = Identity(issuer=ISSUER, subject=SUBJECT)


def manifest(spec, kind="TrustRoot", api_version="policy.sigstore.dev/v1beta1"):
    found = Manifest({"kind": kind, "spec": spec}, SourceText("", 0, 1, ""))
    found.kind, found.api_version, found.name = kind, api_version, "acme"
    return found


def verdict(form, authority, authorities, now=NOW, **changes):
    repository = Repository("acme/trust")
    digest = repository.image(form)
    signed = sign(form, pki(authority), digest, "release", None, **changes)
    signed.store(repository)
    store = Recorded(repository.row, repository.content)
    return assess(store, digest, authorities, now).signature


def root(name):
    return parse_root(files()[f"{name}.json"])


def test_a_bound_signer_counts_with_its_own_root_alone():
    good, other = root("good"), root("other")
    bound = Authorities(roots=(good,), bound=((other, OWN),))
    assert verdict("bundle-v1", "stranger", bound) == "verified"
    both = Authorities(roots=(good,), identities=(Identity("x", "", "y"),), bound=((other, OWN),))
    assert verdict("bundle-v1", "acme", both) == "wrong_identity"


def test_a_common_signer_does_not_count_with_a_bound_root():
    good, other = root("good"), root("other")
    nobody = Identity("x", "", "y")
    authorities = Authorities(roots=(good,), identities=(OWN,), bound=((other, nobody),))
    assert verdict("bundle-v1", "acme", authorities) == "verified"
    assert verdict("bundle-v1", "stranger", authorities) == "wrong_identity"


def test_a_root_without_a_log_asks_for_a_timestamp_instead():
    parts = Root([pki("acme")], [pki("acme")], [], [pki("acme")])
    private = Authorities(roots=(parse_root(parts.raw),), identities=(OWN,), adapts=True)
    assert verdict("bundle-v2", "acme", private) == "verified"
    assert verdict("bundle-v1", "acme", private, now=SIGNED_AT) == "expired_or_untimed"
    strict = Authorities(roots=(parse_root(parts.raw),), identities=(OWN,))
    assert verdict("bundle-v2", "acme", strict) == "untrusted_root"


def test_several_roots_in_a_file(tmp_path):
    lines = [json.dumps(json.loads(files()[f"{name}.json"])) for name in ("good", "other")]
    raw = "\n".join(lines).encode()
    assert len(parse_roots(raw)) == 2
    (tmp_path / "roots.jsonl").write_bytes(raw)
    found = read_trust([str(tmp_path / "roots.jsonl")], [])
    assert [fact.name for fact in found.root_facts(NOW)] == ["roots.jsonl", "roots.jsonl"]


@pytest.mark.parametrize(
    ("name", "stale"), [("ca-ended", "true"), ("good", "unknown"), ("tsa-ended", "unknown")]
)
def test_the_age_of_a_file(tmp_path, name, stale):
    (tmp_path / "root.json").write_bytes(files()[f"{name}.json"])
    (fact,) = read_trust([str(tmp_path / "root.json")], []).root_facts(NOW)
    assert (fact.origin, fact.newest, fact.age_days, fact.stale) == (
        "file",
        "2026-01-01",
        326,
        stale,
    )


def test_the_age_of_the_public_root():
    found = read_trust([], [])
    (fact,) = found.root_facts(datetime(2020, 1, 1, tzinfo=UTC))
    assert (fact.origin, fact.stale, fact.age_days) == ("public", "false", 0)
    (fact,) = found.root_facts(datetime(2100, 1, 1, tzinfo=UTC))
    assert (fact.stale, fact.because != []) == ("true", True)


def encoded(raw):
    return base64.b64encode(raw).decode()


def keys(**changes):
    own = pki("stranger")
    chain = encoded(own.ca.public_bytes(Encoding.PEM))
    found = {
        "certificateAuthorities": [{"subject": {"organization": "a"}, "certChain": chain}],
        "tLogs": [{"baseURL": "https://rekor.test", "publicKey": encoded(own.log_key.pem)}],
        "ctLogs": [{"baseURL": "https://ct.test", "publicKey": encoded(own.ct_key.pem)}],
    }
    return {"sigstoreKeys": {**found, **changes}}


def test_a_trust_root_object():
    found = read_trust_root(manifest(keys()), NOW)
    assert verdict("bundle-v1", "stranger", Authorities(roots=(found,), identities=(OWN,))) == (
        "verified"
    )
    assert found.newest is None


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"remote": {"mirror": "https://tuf.test"}},
        keys(tLogs=[{}]),
        keys(tLogs=[{"publicKey": "no base64!"}]),
        keys(certificateAuthorities=[{"certChain": encoded(b"no PEM")}]),
    ],
)
def test_trust_roots_that_cannot_be_used(spec):
    with pytest.raises(RejectedError):
        read_trust_root(manifest(spec), NOW)


def test_whom_the_policies_of_the_cluster_trust():
    authority = {"keyless": {"identities": [{"issuer": "i", "subject": "s"}], "trustRootRef": "r"}}
    spec = {"images": [{"glob": "ghcr.io/**"}], "authorities": [authority, {"key": {"data": "P"}}]}
    keyless, key = demands_of(manifest(spec, "ClusterImagePolicy"))
    assert (keyless.glob, keyless.root, keyless.identities) == (
        "ghcr.io/**",
        "r",
        (Identity(issuer="i", subject="s"),),
    )
    assert key.key == "P"


def test_whom_kyverno_trusts():
    entries = [
        {"keyless": {"issuer": "https://i.test", "subject": "https://github.com/acme/*"}},
        {"keys": {"publicKeys": Key("release").pem.decode() * 2}},
    ]
    check = {"imageReferences": ["ghcr.io/*"], "attestors": [{"entries": entries}]}
    rules = {"rules": [{"verifyImages": [check]}]}
    keyless, first, second = demands_of(manifest(rules, "ClusterPolicy", "kyverno.io/v1"))
    (identity,) = keyless.identities
    assert identity.matches("https://i.test", "https://github.com/acme/shop") is True
    assert identity.matches("https://i.test", "x https://github.com/acme/shop") is False
    assert first.key == second.key != ""
    attestor = {"cosign": {"keyless": {"identities": [{"issuer": "i", "subjectRegExp": "s"}]}}}
    spec = {"matchImageReferences": [{"glob": "quay.io/*"}], "attestors": [attestor]}
    (found,) = demands_of(manifest(spec, "ImageValidatingPolicy", "policies.kyverno.io/v1"))
    assert (found.glob, found.identities) == ("quay.io/*", (Identity("i", "", "", "s"),))


@pytest.mark.parametrize(
    ("scope", "image", "expected"),
    [
        (Scope("ghcr.io/acme/app:1"), "ghcr.io/acme/app:1", True),
        (Scope("ghcr.io/acme/app:1", "policy-controller"), "ghcr.io/acme/app:1", False),
        (Scope("ghcr.io/acme/app@*", "policy-controller"), "ghcr.io/acme/app:1", True),
        (Scope("ghcr.io/*", "kyverno"), "ghcr.io/acme/app:1", True),
        (Scope("ghcr.io/*"), "ghcr.io/acme/app:1", False),
    ],
)
def test_patterns_are_read_by_the_rules_of_who_wrote_them(scope, image, expected):
    assert scope.covers(parse_weakly(image)) is expected


def test_a_store_that_cannot_be_read(tmp_path):
    (tmp_path / "key.pem").write_bytes(Key("release").pem)
    found = read_trust([], [])
    for name in ("key.pem", "absent.pem"):
        entry = {"certificates": str(tmp_path / name), "images": "**", "subjects": []}
        add_stores(found, [entry])
    assert len(found.problems) == 2
    assert found.notation == []


@pytest.mark.parametrize(
    ("predicate", "kind", "expected"),
    [
        (
            {
                "builder": {"id": "b"},
                "invocation": {"configSource": {"uri": "git+https://h/r@refs/heads/main"}},
            },
            "v0.2",
            Provenance("b", "https://h/r", "refs/heads/main"),
        ),
        (
            {"builder": {"id": "b"}, "materials": [{"uri": "git+https://h/r"}]},
            "v0.1",
            Provenance("b", "https://h/r", ""),
        ),
        (
            {
                "buildDefinition": {"externalParameters": {"source": {"uri": "https://h/r@sha1"}}},
                "runDetails": {"builder": {"id": "b"}},
            },
            "v1",
            Provenance("b", "https://h/r@sha1", ""),
        ),
        (
            {"buildDefinition": {"resolvedDependencies": [{"uri": "git+https://h/r@refs/tags/1"}]}},
            "v1",
            Provenance("", "https://h/r", "refs/tags/1"),
        ),
        ({"builder": [], "materials": [3]}, "v0.2", Provenance()),
        ("junk", "v1", Provenance()),
    ],
)
def test_provenance(predicate, kind, expected):
    statement = {"predicateType": f"https://slsa.dev/provenance/{kind}", "predicate": predicate}
    assert read_provenance(statement) == expected


def test_other_statements_are_no_provenance():
    statement = {
        "predicateType": "https://spdx.dev/Document",
        "predicate": {"builder": {"id": "b"}},
    }
    assert read_provenance(statement) == Provenance()


@pytest.mark.parametrize(
    ("expires", "given", "noted"),
    [(1970, {}, True), (2999, {}, False), (1970, {"trusted_root": "root.json"}, False)],
)
def test_verify_says_that_the_public_root_is_old(monkeypatch, tmp_path, expires, given, noted):
    end = datetime(expires, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(command, "public_expiry", lambda: end)
    (tmp_path / "root.json").write_bytes(files()["good.json"])
    monkeypatch.chdir(tmp_path)
    question = command.Question(
        f"registry.test/acme/none@sha256:{'a' * 64}",
        evidence=str(tmp_path),
        certificate_identity=SUBJECT,
        certificate_oidc_issuer=ISSUER,
        **given,
    )
    said = "\n".join(command.answer(question).lines)
    assert (f"out of date since {expires}-01-01" in said) is noted
    assert ("--trusted-root" in said.partition("check with")[0]) is noted


@pytest.mark.parametrize(
    ("name", "key", "step"),
    [
        ("cart", "shop-release", ""),
        ("orders", "shop-release", "cosign sign"),
        ("payments", "shop-release", "if that signer is to be trusted"),
    ],
)
def test_verify_says_what_helps(name, key, step):
    shop = ROOT / "examples" / "shop"
    question = command.Question(
        f"registry.example.com/shop/{name}:1.4.2",
        evidence=str(shop / "evidence"),
        key=str(shop / "keys" / f"{key}.pub"),
        insecure_ignore_tlog=True,
    )
    lines = command.answer(question).lines
    assert [line for line in lines if line.startswith("  next ")] == [
        line for line in lines if step and step in line
    ]
    assert bool(step) is any(line.startswith("  next ") for line in lines)


@pytest.mark.parametrize("options", [(), ("--quiet",), ("--evidence", "evidence")])
def test_list_says_when_no_signature_was_looked_for(tmp_path, monkeypatch, options):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
    spec = {"spec": {"containers": [{"name": "a", "image": "app:1"}]}}
    (tmp_path / "pod.json").write_text(json.dumps({**pod, **spec}))
    (tmp_path / "evidence").mkdir()
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(list_, ["pod.json", *options])
    assert "not_evaluated" in done.stdout
    assert ("--registry" in done.stderr) is (options == ())
