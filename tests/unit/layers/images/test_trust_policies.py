# SPDX-License-Identifier: Apache-2.0
"""Do the cluster's own policies trust whom they name, and say what of them cannot be judged?"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from kguard.layers.images.assess import assess
from kguard.layers.images.semantics.policy_controller import read_policy
from kguard.layers.images.semantics.references import parse_weakly
from kguard.layers.images.trust import read_trust
from kguard.layers.images.trust_objects import read_trust_root, with_authorities
from kguard.layers.images.trust_policies import add_policies
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.model.manifests import Manifest, SourceText
from support.generators.signed.cases import files, pki
from support.generators.signed.images import Repository, sign
from support.generators.signed.pki import ISSUER, SUBJECT, Key
from tests.conformance.cosign.vectors import Recorded

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
IMAGE = parse_weakly("ghcr.io/acme/app:1")
SIGNER = {"issuer": ISSUER, "subject": SUBJECT}
RELEASE = Key("release").pem


def manifest(kind, api_version, **fields):
    value = {"kind": kind, "metadata": {"name": "own", **fields.pop("metadata", {})}, **fields}
    found = Manifest(value, SourceText("", 0, 1, ""))
    found.kind, found.api_version, found.name = kind, api_version, "own"
    return found


def controller(*authorities):
    spec = {"images": [{"glob": "ghcr.io/**"}], "authorities": list(authorities)}
    return manifest("ClusterImagePolicy", "policy.sigstore.dev/v1beta1", spec=spec)


def kyverno(*entries, **check):
    check = {"imageReferences": ["*"], "attestors": [{"entries": list(entries)}], **check}
    spec = {"rules": [{"name": "r", "verifyImages": [check]}]}
    return manifest("ClusterPolicy", "kyverno.io/v1", spec=spec)


def validating(attestor):
    spec = {"matchImageReferences": [{"glob": "*"}], "attestors": [attestor]}
    return manifest("ImageValidatingPolicy", "policies.kyverno.io/v1", spec=spec)


def secret(*, metadata=None, **values):
    data = {k: base64.b64encode(v).decode() for k, v in values.items()}
    return manifest("Secret", "v1", data=data, metadata=metadata or {})


def trusted(policy, secrets=None, roots=(), root="good"):
    found = read_trust([], [])
    found.roots[:] = [parse_root(files()[f"{root}.json"])]
    known = secrets or {}
    add_policies(found, [policy], roots, lambda *name: known.get("/".join(name)), NOW)
    return found


def verdict(found, form="legacy-key", authority="acme"):
    repository = Repository("acme/app")
    digest = repository.image(form)
    sign(form, pki(authority), digest, "release").store(repository)
    store = Recorded(repository.row, repository.content)
    answer = assess(store, digest, found.authorities(IMAGE), NOW)
    return answer.signature, answer.reason


def entry(name, value):
    return {"data": {name: base64.b64encode(value).decode()}}


IN_SECRET = {"key": {"secretRef": {"name": "keys", "namespace": "elsewhere"}}}


@pytest.mark.parametrize(
    ("policy", "place", "value"),
    [
        (controller(IN_SECRET), "cosign-system/keys", secret(any=RELEASE)),
        (
            kyverno({"keys": {"secret": {"name": "keys", "namespace": "a"}}}),
            "a/keys",
            secret(**{"cosign.pub": RELEASE, "cosign.key": b"x"}),
        ),
        (
            kyverno({"keys": {"publicKeys": "k8s://a/keys"}}),
            "a/keys",
            secret(**{"cosign.pub": RELEASE}),
        ),
        (
            validating({"name": "a", "cosign": {"key": {"kms": "k8s://a/keys"}}}),
            "a/keys",
            secret(**{"cosign.pub": RELEASE}),
        ),
    ],
)
def test_keys_in_secrets_count_where_the_input_has_them(policy, place, value):
    assert verdict(trusted(policy, {place: value}))[0] == "verified"
    kind, reason = verdict(trusted(policy))
    assert kind == "unverifiable_offline"
    assert f"the Secret {place}, which is not in the input" in reason


@pytest.mark.parametrize(
    "value",
    [
        secret(one=RELEASE, other=b"x"),
        secret(one=b"no key"),
        secret(),
        secret(one=RELEASE, metadata={"annotations": {"kguard.dev/values": "3"}}),
    ],
)
def test_policy_controller_wants_one_value_in_a_secret(value):
    kind, reason = verdict(trusted(controller(IN_SECRET), {"cosign-system/keys": value}))
    assert kind == "unverifiable_offline"
    assert "the Secret cosign-system/keys does not hold one public key" in reason


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (controller({"key": {"kms": "awskms:///alias/a"}}), "(awskms:///alias/a)"),
        (kyverno({"keys": {"publicKeys": "gcpkms://p"}}), "key management service (gcpkms://p)"),
        (kyverno({"keys": {"kms": "azurekms://v"}}), "key management service (azurekms://v)"),
        (kyverno({"certificates": {"cert": "x"}}), "certificates of signers are not judged"),
        (kyverno({"attestor": {}}), "an attestor within an attestor is not judged"),
        (kyverno({}, type="Notary"), "its trust store cannot be read"),
        (validating({"cosign": {"key": {"expression": "x"}}}), "its key cannot be read"),
        (validating({"cosign": {"keyless": {"url": "u"}}}), "names no identity"),
        (validating({"notary": {"certs": {"expression": "x"}}}), "its trust store cannot be read"),
    ],
)
@pytest.mark.parametrize("form", ["legacy-key", "bundle-v1", "bundle-key"])
def test_what_cannot_be_judged_is_neither_a_pass_nor_a_refusal(policy, words, form):
    kind, reason = verdict(trusted(policy), form)
    assert kind == "unverifiable_offline"
    assert words in reason


def test_another_authority_of_the_policy_may_still_accept():
    keyless = {"keyless": {"identities": [SIGNER]}}
    policy = controller({"key": {"kms": "awskms:///a"}}, keyless)
    assert verdict(trusted(policy), "bundle-v1")[0] == "verified"
    stranger = controller({"key": {"kms": "awskms:///a"}}, {"key": {"data": Key("x").pem.decode()}})
    assert verdict(trusted(stranger))[0] == "unverifiable_offline"


def test_nothing_satisfies_an_authority_with_a_certificate_authority_alone():
    pem = pki("acme").ca.public_bytes(Encoding.PEM).decode()
    policy = controller({"keyless": {"identities": [SIGNER], "ca-cert": {"data": pem}}})
    assert read_policy(policy).trust == "nobody"
    assert verdict(trusted(policy), "bundle-v1")[0] == "unjudged"


def test_roots_of_a_policy_count_instead_of_the_given_ones():
    own, other = (pki(n).ca.public_bytes(Encoding.PEM).decode() for n in ("acme", "stranger"))
    keyless = {"issuer": ISSUER, "subject": SUBJECT}
    assert verdict(trusted(kyverno({"keyless": {**keyless, "roots": own}})), "bundle-v1")[0] == (
        "verified"
    )
    kind, _ = verdict(trusted(kyverno({"keyless": {**keyless, "roots": other}})), "bundle-v1")
    assert kind == "untrusted_root"


@pytest.mark.parametrize("pem", [b"", b"no PEM", RELEASE])
def test_authorities_that_are_none(pem):
    with pytest.raises(RejectedError):
        with_authorities([parse_root(files()["good.json"])], pem)


def test_trust_stores_of_kyverno():
    pem = pki("acme").ca.public_bytes(Encoding.PEM).decode()
    by_rule = trusted(kyverno({"certificates": {"cert": pem}}, type="Notary"))
    by_policy = trusted(validating({"notary": {"certs": {"value": pem}}}))
    for found in (by_rule, by_policy):
        (store,) = found.authorities(IMAGE).notation
        assert store.certificates == (pki("acme").ca,)
        assert found.unread == []


class Mirror:
    """A TUF repository in the form in which a TrustRoot carries it."""

    def __init__(self, targets, expires=NOW + timedelta(days=1), *, consistent=True):
        self.signer = CryptoSigner.generate_ed25519()
        self.files, self._consistent = {}, consistent
        root = Root(expires=expires, consistent_snapshot=consistent)
        for role in ("root", "timestamp", "snapshot", "targets"):
            root.add_key(self.signer.public_key, role)
        self.root = self.signed(root)
        listed = Targets(expires=expires)
        for name, (content, use) in targets.items():
            target = TargetFile.from_data(name, content)
            target.unrecognized_fields["custom"] = {"sigstore": {"usage": use}}
            listed.targets[name] = target
            digest = hashlib.sha256(content).hexdigest()
            self.files[f"targets/{digest}.{name}" if consistent else f"targets/{name}"] = content
        snapshot = Snapshot(expires=expires)
        snapshot.meta["targets.json"] = self.listed("targets.json", listed)
        timestamp = Timestamp(expires=expires)
        timestamp.snapshot_meta = self.listed("snapshot.json", snapshot)
        self.files["timestamp.json"] = self.signed(timestamp)

    def signed(self, value):
        metadata = Metadata(value)
        metadata.sign(self.signer)
        return metadata.to_bytes()

    def listed(self, name, value):
        raw = self.signed(value)
        self.files[f"1.{name}" if self._consistent else name] = raw
        return MetaFile.from_data(1, raw, ["sha256"])

    @property
    def spec(self):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, content in self.files.items():
                member = tarfile.TarInfo(f"repository/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        whole = gzip.compress(packed.getvalue())
        encoded = {"root": self.root, "mirrorFS": whole}
        return {"repository": {k: base64.b64encode(v).decode() for k, v in encoded.items()}}

    @property
    def trust_root(self):
        return manifest("TrustRoot", "policy.sigstore.dev/v1alpha1", spec=self.spec)


GOOD = files()["good.json"]
BOUND = {"keyless": {"identities": [SIGNER], "trustRootRef": "own"}}


def by_use():
    own = pki("acme")
    return {
        "fulcio.crt.pem": (own.ca.public_bytes(Encoding.PEM), "Fulcio"),
        "rekor.pub": (own.log_key.pem, "Rekor"),
        "ctfe.pub": (own.ct_key.pem, "CTFE"),
        "other.txt": (b"x", "Unknown"),
    }


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("targets", [{"trusted_root.json": (GOOD, "")}, by_use()])
def test_a_tuf_repository_in_the_object(targets, consistent):
    root = Mirror(targets, consistent=consistent).trust_root
    assert verdict(trusted(controller(BOUND), roots=[root], root="other"), "bundle-v1")[0] == (
        "verified"
    )


def test_a_root_that_leads_to_a_newer_one():
    mirror = Mirror({"trusted_root.json": (GOOD, "")})
    newer = Metadata.from_bytes(mirror.root).signed
    newer.version = 2
    mirror.files["2.root.json"] = mirror.signed(newer)
    assert read_trust_root(mirror.trust_root, NOW).logs
    foreign = Metadata(newer)
    foreign.sign(CryptoSigner.generate_ed25519())
    mirror.files["2.root.json"] = foreign.to_bytes()
    with pytest.raises(RejectedError, match="does not hold"):
        read_trust_root(mirror.trust_root, NOW)


def broken(name, change):
    mirror = Mirror({"trusted_root.json": (GOOD, "")})
    (path,) = [path for path in mirror.files if path.endswith(name)]
    changed = change(mirror.files[path])
    if changed is None:
        del mirror.files[path]
    else:
        mirror.files[path] = changed
    return mirror


@pytest.mark.parametrize(
    ("mirror", "kind", "words"),
    [
        (broken("trusted_root.json", lambda raw: raw + b" "), "tampered", "does not hold"),
        (broken("timestamp.json", lambda raw: raw.replace(b"1", b"2")), "tampered", "not hold"),
        (broken("targets.json", lambda raw: raw + b" "), "tampered", "does not hold"),
        (broken("targets.json", lambda _: None), "unverifiable_offline", "lacks 1.targets.json"),
        (broken("trusted_root.json", lambda _: None), "unverifiable_offline", "lacks the target"),
        (Mirror({"trusted_root.json": (GOOD, "")}, NOW), "unverifiable_offline", "expired on 2026"),
        (Mirror({"a": (b"x", "Rekor")}), "unverifiable_offline", "no certificate authority"),
    ],
)
def test_tuf_repositories_that_do_not_hold(mirror, kind, words):
    with pytest.raises(RejectedError, match=words) as caught:
        read_trust_root(mirror.trust_root, NOW)
    assert caught.value.verdict == kind
    found, reason = verdict(trusted(controller(BOUND), roots=[mirror.trust_root]), "bundle-v1")
    assert found == "unverifiable_offline"
    assert "TrustRoot own: " in reason


@pytest.mark.parametrize(
    "repository",
    [
        {},
        {"root": "x!", "mirrorFS": "y!"},
        {"root": "e30=", "mirrorFS": base64.b64encode(b"no tar").decode()},
        {"root": "e30=", "mirrorFS": base64.b64encode(gzip.compress(b"\0" * (20 << 20))).decode()},
        {"root": "e30=", "mirrorFS": base64.b64encode(gzip.compress(b"\0" * 10240)).decode()},
    ],
)
def test_repositories_that_cannot_be_read(repository):
    spec = {"repository": {**repository, "targets": "targets"}}
    with pytest.raises(RejectedError):
        read_trust_root(manifest("TrustRoot", "policy.sigstore.dev/v1alpha1", spec=spec), NOW)


def test_a_trust_root_that_is_not_there():
    kind, reason = verdict(trusted(controller(BOUND)), "bundle-v1")
    assert (kind, "TrustRoot own: it is not in the input" in reason) == (
        "unverifiable_offline",
        True,
    )


def test_a_repository_elsewhere_is_not_asked_for():
    spec = {"remote": {"root": "e30=", "mirror": "https://tuf.test"}}
    root = manifest("TrustRoot", "policy.sigstore.dev/v1alpha1", spec=spec)
    _, reason = verdict(trusted(controller(BOUND), roots=[root]), "bundle-v1")
    assert "is not asked for (spec.remote)" in reason
    assert json.loads(GOOD)
