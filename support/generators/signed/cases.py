# SPDX-License-Identifier: Apache-2.0
"""Which signatures are asked about: every format with every fault that has a class of its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography.x509.oid import ExtendedKeyUsageOID

from support.generators.signed.images import (
    FORMATS,
    PROVENANCE,
    TIME,
    Json,
    Repository,
    Signed,
    sign,
)
from support.generators.signed.pki import (
    ISSUER,
    SIGNED_AT,
    SUBJECT,
    Key,
    Pki,
    Root,
    Wish,
    text,
)

STRANGER = "https://github.com/mallory/shop/.github/workflows/release.yml@refs/heads/main"
LATE = SIGNED_AT + timedelta(hours=2)
KEYLESS = tuple(form for form in FORMATS if not form.endswith("key"))
SIGNER = "release"


@dataclass(frozen=True)
class Case:
    """One image with what is demanded of its signatures."""

    id: str
    expected: str
    """The class that kguard should give."""
    repository: Repository
    digest: str
    root: str | None = "good"
    key: str | None = None
    identity: Mapping[str, str] = field(default_factory=lambda: {"san": SUBJECT, "issuer": ISSUER})
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def row(self) -> Json:
        """The case in the shape of the recorded ones."""
        wanted = {"log": "required", "timestamp": "if_needed", "sct": "required", **self.policy}
        return {
            "id": self.id,
            "reference": f"registry.test/{self.repository.name}@{self.digest}",
            "identity": None if self.key else dict(self.identity),
            "key": self.key and f"keys/{self.key}.pub",
            "trusted_root": self.root and f"{self.root}.json",
            "policy": wanted,
            "truth_class": self.expected,
        }


@cache
def pki(name: str) -> Pki:
    """The infrastructure of that name; `acme` is the good one."""
    return Pki(name)


@cache
def files() -> dict[str, bytes]:
    """Trusted roots and keys by the names that cases use."""
    good, other = pki("acme"), pki("stranger")
    sound = Root([good], [good], [good], [good])
    roots = {
        "good": sound,
        "other": Root([other], [other], [other], [other]),
        "other-ca": replace(sound, ca=[other]),
        "other-ct": replace(sound, ct=[other]),
        "other-log": replace(sound, log=[other]),
        "other-tsa": replace(sound, tsa=[other]),
        "both": Root([other, good], [other, good], [other, good], [other, good]),
        "ca-ended": replace(sound, ca_end=SIGNED_AT - timedelta(days=1)),
        "tsa-ended": replace(sound, tsa_end=SIGNED_AT - timedelta(days=1)),
        "tsa-ends-then": replace(sound, tsa_end=SIGNED_AT),
        "log-later": replace(sound, log_start=SIGNED_AT + timedelta(days=1)),
    }
    found = {f"{name}.json": root.raw for name, root in roots.items()}
    return {**found, **{f"keys/{name}.pub": Key(name).pem for name in (SIGNER, "other")}}


def arguments(case: Json) -> list[str]:
    """The options that ask cosign the same, without the reference."""
    policy, identity = case["policy"], case["identity"] or {}
    found = ["verify-attestation" if policy.get("attestation_type") else "verify"]
    if wanted := policy.get("attestation_type"):
        found += ["--type", wanted]
    found += [w for k, o in _OPTIONS.items() if identity.get(k) for w in (o, identity[k])]
    found += ["--key", case["key"]] if case["key"] else []
    found += ["--trusted-root", case["trusted_root"]] if case["trusted_root"] else []
    found += ["--insecure-ignore-tlog"] if policy["log"] == "ignored" else []
    found += ["--insecure-ignore-sct"] if policy["sct"] == "ignored" else []
    found += ["--use-signed-timestamps"] if policy["timestamp"] == "required" else []
    found += ["--experimental-oci11"] if policy.get("oci11") else []
    return [*found, "--offline", "--allow-http-registry"]


_OPTIONS = {
    "san": "--certificate-identity",
    "san_regexp": "--certificate-identity-regexp",
    "issuer": "--certificate-oidc-issuer",
    "issuer_regexp": "--certificate-oidc-issuer-regexp",
}


def policy_of(form: str) -> Json:
    """What has to be said so that cosign looks at the format at all."""
    if form.endswith("attestation"):
        return {"attestation_type": PROVENANCE}
    return {"oci11": True} if form == "oci11" else {}


def named_cases() -> Iterator[Case]:
    """Every case of every format."""
    for number, form in enumerate(FORMATS):
        mode = "fallback" if number % 2 else "referrers"
        yield from _about_trust(form, mode)
        yield from _about_content(form, mode)
        if form in KEYLESS:
            yield from _about_certificates(form, mode)
    yield from _several()
    yield from _about_identities()


def _case(
    name: str,
    form: str,
    mode: str,
    expected: str,
    change: Callable[[str], Signed] | None = None,
    **fields: Any,
) -> Case:
    repository = Repository(f"acme/{form}-{name}", mode)
    digest = repository.image(f"{form} {name}")
    signed = change(digest) if change else sign(form, pki("acme"), digest, SIGNER)
    signed.store(repository)
    policy = {**policy_of(form), **fields.pop("policy", {})}
    good = "verified_attestation_only" if form.endswith("attestation") else "verified"
    return Case(
        id=f"{form}-{name}",
        expected=good if expected == "verified" else expected,
        repository=repository,
        digest=digest,
        key=None if form in KEYLESS else fields.pop("key", SIGNER),
        policy=policy,
        **fields,
    )


def _about_trust(form: str, mode: str) -> Iterator[Case]:
    timed = form == "bundle-v2"
    keyless = form in KEYLESS
    yield _case("good", form, mode, "verified")
    yield _case("two-roots", form, mode, "verified", root="both")
    yield _case("stranger-root", form, mode, "untrusted_root", root="other")
    yield _case("other-log", form, mode, "untrusted_root", root="other-log")
    yield _case(
        "other-ca", form, mode, "untrusted_root" if keyless else "verified", root="other-ca"
    )
    tsa = "untrusted_root" if timed else "verified"
    yield _case("other-tsa", form, mode, tsa, root="other-tsa")
    ended = "expired_or_untimed" if timed else "verified"
    yield _case("tsa-ended", form, mode, ended, root="tsa-ended")
    yield _case("tsa-ends-then", form, mode, "verified", root="tsa-ends-then")
    later = "verified" if timed else "untrusted_root"
    yield _case("log-later", form, mode, later, root="log-later")
    if not keyless:
        other = "wrong_identity" if form == "bundle-key" else "tampered"
        yield _case("other-key", form, mode, other, key="other")
        yield _case("no-log-demanded", form, mode, "verified", policy={"log": "ignored"})


def _about_content(form: str, mode: str) -> Iterator[Case]:
    about = "sha256:" + hashlib.sha256(b"another").hexdigest()
    another = lambda digest: sign(form, pki("acme"), digest, SIGNER, about=about)  # noqa: E731
    yield _case("other-image", form, mode, "tampered", another)

    def flipped(digest: str) -> Signed:
        signed = sign(form, pki("acme"), digest, SIGNER)
        place, key = _signature_place(signed)
        raw = bytearray(base64.b64decode(place[key]))
        raw[-1] ^= 1
        place[key] = text(bytes(raw))
        return signed

    if form != "legacy-attestation":
        yield _case("flipped", form, mode, "tampered", flipped)
    if form in ("legacy", "legacy-key", "oci11"):
        quiet = lambda digest: sign(form, pki("acme"), digest, SIGNER, log=False)  # noqa: E731
        yield _case("no-log-entry", form, mode, "unverifiable_offline", quiet)


def _signature_place(signed: Signed) -> tuple[Json, str]:
    if signed.is_bundle:
        return signed.document["dsseEnvelope"]["signatures"][0], "sig"
    return signed.document["annotations"], "dev.cosignproject.cosign/signature"


def _about_certificates(form: str, mode: str) -> Iterator[Case]:
    def special(**wishes: Any) -> Callable[[str], Signed]:
        return lambda digest: sign(form, pki("acme"), digest, SIGNER, Wish(**wishes))

    yield _case("other-identity", form, mode, "wrong_identity", special(subject=STRANGER))
    other = special(issuer="https://accounts.google.com")
    yield _case("other-issuer", form, mode, "wrong_identity", other)
    yield _case("other-ct", form, mode, "untrusted_root", root="other-ct")
    yield _case("no-sct", form, mode, "untrusted_root", special(sct="none"))
    yield _case("foreign-sct", form, mode, "untrusted_root", special(sct="foreign"))
    yield _case("broken-sct", form, mode, "tampered", special(sct="broken"))
    ignored = {"sct": "ignored"}
    yield _case("sct-ignored", form, mode, "verified", special(sct="none"), policy=ignored)
    server = special(usage=ExtendedKeyUsageOID.SERVER_AUTH)
    yield _case("for-servers", form, mode, "tampered", server)
    yield _case("ca-ended", form, mode, "expired_or_untimed", root="ca-ended")
    late = {"stamped": LATE} if form == "bundle-v2" else {"time": TIME + 7200}
    made = lambda digest: sign(form, pki("acme"), digest, SIGNER, None, **late)  # noqa: E731
    yield _case("late", form, mode, "expired_or_untimed", made)
    if form.startswith("bundle") or form == "legacy-attestation":
        intoto = lambda d: sign(form, pki("acme"), d, SIGNER, None, kind="intoto")  # noqa: E731
        yield _case("intoto-entry", form, mode, "verified", intoto)


def _several() -> Iterator[Case]:
    for mode in ("referrers", "fallback"):
        for first, second in (("bundle-v1", "legacy"), ("legacy", "bundle-v2")):
            repository = Repository(f"acme/both-{mode}-{first}", mode)
            digest = repository.image(repository.name)
            for form in (first, second):
                sign(form, pki("acme"), digest, SIGNER).store(repository)
            yield Case(f"both-{mode}-{first}", "verified", repository, digest)
    repository = Repository("acme/unsigned")
    yield Case("unsigned", "unsigned", repository, repository.image("unsigned"))
    repository = Repository("acme/twice")
    digest = repository.image("twice")
    sign("bundle-v1", pki("stranger"), digest, SIGNER).store(repository)
    sign("bundle-v1", pki("acme"), digest, SIGNER).store(repository)
    yield Case("one-of-two", "verified", repository, digest)
    repository = Repository("acme/only-attestation")
    digest = repository.image("only attestation")
    sign("bundle-attestation", pki("acme"), digest, SIGNER).store(repository)
    yield Case("only-attestation", "verified_attestation_only", repository, digest)
    repository = Repository("acme/only-att")
    digest = repository.image("only att")
    sign("legacy-attestation", pki("acme"), digest, SIGNER).store(repository)
    yield Case("only-legacy-attestation", "verified_attestation_only", repository, digest)


def _about_identities() -> Iterator[Case]:
    expressions = {
        "anchored": (r"^https://github\.com/acme/.*$", "verified"),
        "in-the-middle": (r"acme/shop", "verified"),
        "alternatives": (r"github.com/(evil|acme)", "verified"),
        "other": (r"^https://github\.com/evil/.*$", "wrong_identity"),
        "half-anchored": (r"^https://github\.com/ac", "verified"),
        "case": (r"(?i)ACME/SHOP", "verified"),
    }
    for name, (expression, expected) in expressions.items():
        found = _case(f"regexp-{name}", "bundle-v1", "referrers", expected)
        yield replace(found, identity={"san_regexp": expression, "issuer": ISSUER})
    mail = lambda d: sign("legacy", pki("acme"), d, SIGNER, Wish(subject="a@acme.test"))  # noqa: E731
    found = _case("mail", "legacy", "referrers", "verified", mail)
    yield replace(found, identity={"san": "a@acme.test", "issuer": ISSUER})
