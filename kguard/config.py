# SPDX-License-Identifier: Apache-2.0
"""What does `kguard.yaml` say?

The file is looked for from the first input up to the git root. Unknown keys are errors, so that a
misspelt setting never silently falls back to a default.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from kguard.errors import ConfigError, reason, suggested, validation

FILE_NAME = "kguard.yaml"
MAX_CONFIG_BYTES = 1 << 20


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    pass


class Cluster(_Strict, frozen=True):
    """What kguard may take for granted about the cluster; empty where detection shall decide."""

    kubernetes: str = ""
    istio: str = ""
    knative: str = ""
    falco: str = ""
    cni: str = ""
    """generic, calico, cilium, ovn-kubernetes, kube-network-policies, antrea or none."""
    enforcer: str = ""
    """The image admission enforcer and its version, such as `policy-controller 0.13`."""
    root_namespace: str = ""
    trust_domain: str = ""
    cluster_domain: str = ""


class PolicySettings(_Strict, frozen=True):
    """Settings of one policy."""

    enabled: bool = True
    severity: Literal["info", "low", "medium", "high", "critical"] | None = None
    params: dict[str, Any] = {}


class Namespaces(_Strict, frozen=True):
    """Which namespaces are left out of findings."""

    exclude: tuple[str, ...] = ()


class Identity(_Strict, frozen=True):
    """A signer that is trusted, for the images that match `images` (a glob)."""

    images: str = "**"
    issuer: str = ""
    issuer_regexp: str = ""
    subject: str = ""
    subject_regexp: str = ""
    key: str = ""
    """Path of a public key, relative to kguard.yaml."""


class NotationStore(_Strict, frozen=True):
    """Certificates in which signatures of the Notary Project may end."""

    certificates: str
    """Path of the certificates (PEM), relative to kguard.yaml."""
    images: str = "**"
    subjects: tuple[str, ...] = ()
    """`C=XX, O=acme`: parts of the signer's subject of which one must fit; without any, all do."""


class Trust(_Strict, frozen=True):
    """Who may sign images."""

    roots: tuple[str, ...] = ()
    """Paths of trusted_root.json files, relative to kguard.yaml."""
    keys: tuple[str, ...] = ()
    """Paths of public keys (PEM), relative to kguard.yaml."""
    identities: tuple[Identity, ...] = ()
    notation: tuple[NotationStore, ...] = ()
    evidence: tuple[str, ...] = ()
    """Folders with signatures, relative to kguard.yaml."""


class RegistryMirror(_Strict, frozen=True):
    """Other places for the repositories under a prefix."""

    prefix: str
    """`docker.io`, `registry.example.com/shop`, `*.example.com`, or `*` for every registry."""
    locations: tuple[str, ...]
    """Hosts, with the path that stands for the prefix, in the order to try."""
    only: bool = False
    """Whether the registry itself is not asked."""


class SignatureRepository(_Strict, frozen=True):
    """A repository where signatures lie besides, as with `COSIGN_REPOSITORY`."""

    prefix: str
    """Of the repositories with the images."""
    repository: str


class Registries(_Strict, frozen=True):
    """How registries are asked, where they are asked at all."""

    mirrors: tuple[RegistryMirror, ...] = ()
    signatures: tuple[SignatureRepository, ...] = ()
    node_files: tuple[str, ...] = ()
    """registries.conf, or folders with HOST/hosts.toml, relative to kguard.yaml."""
    ca_files: tuple[str, ...] = ()
    """Certificate authorities (PEM), relative to kguard.yaml."""
    plain_http: tuple[str, ...] = ()
    """Hosts that are asked without TLS."""


Floor = Literal["None", "Metadata", "Request", "RequestResponse"]


class AuditFamily(_Strict, frozen=True):
    """A class of requests that the audit policy must record."""

    id: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]*$")]
    floor: Floor
    groups: tuple[str, ...]
    title: str = ""
    resources: tuple[str, ...] = ("*",)
    verbs: tuple[str, ...] = ("create", "update", "patch", "delete", "deletecollection")


class Audit(_Strict, frozen=True):
    """What must be recorded at least (`None`: need not), and how much at most."""

    floors: dict[
        Literal[
            "writes",
            "connections",
            "proxies",
            "secret_reads",
            "token_requests",
            "failed_logins",
            "access_control",
            "cluster_control",
            "istio_objects",
            "knative_objects",
            "image_policies",
            "falco_objects",
        ],
        Floor,
    ] = {}
    ceilings: dict[Literal["secret_bodies", "token_bodies", "configmap_bodies"], Floor] = {}
    families: tuple[AuditFamily, ...] = ()


class Falco(_Strict, frozen=True):
    """What of Falco is not among the manifests."""

    rules: tuple[str, ...] = ()
    """Files with the rules that come with it, in the order of loading, relative to kguard.yaml."""


class Scenario(_Strict, frozen=True):
    """An event that some rule of Falco must notice."""

    id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_.-]*$")]
    event: dict[str, str | tuple[str, ...]]
    """Fields of Falco with their values; what is not named, the event does not have."""
    title: str = ""
    source: str = "syscall"


class Runtime(_Strict, frozen=True):
    """What Falco must notice beside the attacks of the baseline."""

    scenarios: tuple[Scenario, ...] = ()


class NamedCluster(_Strict, frozen=True):
    """A cluster to audit beside others; with `folder` as many as there are files in it."""

    name: str = ""
    """Else that of the context, of the cluster in the snapshot, or of the file."""
    context: str = ""
    """Of the kubeconfig; the current one where it is empty."""
    kubeconfig: str = ""
    """Relative to kguard.yaml, like the other paths; the user's own where it is empty."""
    snapshot: str = ""
    folder: str = ""
    """Each file in it is a kubeconfig or a snapshot."""


class Release(_Strict, frozen=True):
    """One way in which a chart is installed."""

    chart: str
    name: str = "release"
    namespace: str = "default"
    values: tuple[str, ...] = ()
    set: dict[str, str] = {}
    kubernetes: str = ""


class Config(_Strict, frozen=True):
    """The settings of a repository."""

    inputs: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    scope: Literal["app", "cluster"] | None = None
    namespace: str = "default"
    layers: tuple[Literal["network", "mtls", "images", "audit", "runtime"], ...] = ()
    cluster: Cluster = Cluster()
    clusters: tuple[NamedCluster, ...] = ()
    """What `kguard scan` audits where no input is named."""
    policies: dict[str, PolicySettings] = {}
    policy_dirs: tuple[str, ...] = ()
    namespaces: Namespaces = Namespaces()
    trust: Trust = Trust()
    registries: Registries = Registries()
    audit: Audit = Audit()
    falco: Falco = Falco()
    runtime: Runtime = Runtime()
    workloads: dict[str, str] = {}
    """Custom kinds (`Kind.group`) with the JSON pointer of their pod template."""
    flows: tuple[str, ...] = ()
    """Files with connections that are meant or were seen, relative to kguard.yaml."""
    waivers: str = ""
    baseline: str = ""
    helm: tuple[Release, ...] = ()
    fail_on: Literal["none", "info", "low", "medium", "high", "critical"] = "high"
    fail_on_new: bool = False
    """Whether only findings outside of the baseline make the exit code 1."""
    folder: str = ""
    """The folder of the file; not a setting."""
    tree: str = ""
    """Where what is judged lies, if not in that folder (the settings are another revision's); not
    a setting."""

    def path(self, name: str) -> str:
        """A path to a setting (waivers, keys ...), relative to the file's own folder."""
        return str(Path(self.folder) / name) if self.folder else name

    def image_blocks(self, cache: str) -> dict[str, Any]:
        """What the images layer reads of the settings, as JSON values."""
        stores = [
            {**msgspec.to_builtins(store), "certificates": self.path(store.certificates)}
            for store in self.trust.notation
        ]
        return {"registries": self.registry_block(cache), "notation": stores}

    def registry_block(self, cache: str) -> dict[str, Any]:
        """How registries are asked, with the paths of files and the cache, as JSON values."""
        block: dict[str, Any] = msgspec.to_builtins(self.registries)
        for key in ("node-files", "ca-files"):
            block[key] = [self.path(name) for name in block[key]]
        return {**block, "cache": cache}

    def subject(self, name: str) -> str:
        """A path to what is judged, or belongs to it: manifests, charts, flows, evidence."""
        return str(Path(self.tree) / name) if self.tree else self.path(name)


PRIVATE = ("folder", "tree")
"""Fields that a file must not set."""


def discover(start: Path) -> Path | None:
    """The nearest kguard.yaml from a file or folder upwards, not beyond the git root."""
    folder = start if start.is_dir() else start.parent
    for candidate in (folder.absolute(), *folder.absolute().parents):
        if (candidate / FILE_NAME).is_file():
            return candidate / FILE_NAME
        if (candidate / ".git").exists():
            return None
    return None


def read(path: Path) -> Config:
    """The settings of a file.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or holds an unknown or wrong setting.
    """
    import yaml

    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError("the file is larger than 1 MiB", where=str(path))
        text = path.read_text(encoding="utf-8")
        value = yaml.load(text, yaml.CSafeLoader) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file cannot be read: {reason(error)}", where=str(path)) from None
    except yaml.YAMLError as error:
        raise ConfigError("the file is no valid YAML", where=_mark(path, error)) from None
    for name in PRIVATE:
        if isinstance(value, dict) and name in value:
            raise ConfigError(f"unknown setting `{name}`", where=_where(path, text, [name]))
    try:
        config = msgspec.convert(value, Config)
    except msgspec.ValidationError as error:
        raise _wrong(path, text, error) from None
    return msgspec.structs.replace(config, folder=str(path.parent))


def _mark(path: Path, error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


_UNKNOWN = re.compile(r"unknown field `(.+?)`")
_HINT = "`kguard schema config` prints the schema"


def _wrong(path: Path, text: str, error: msgspec.ValidationError) -> ConfigError:
    """An error that names the place of the setting and the nearest name that exists."""
    message, steps = validation(error)
    unknown = _UNKNOWN.search(message)
    if not unknown:
        about = f"{'.'.join(steps)}: " if steps else ""
        return ConfigError(f"{about}{message}", where=_where(path, text, steps), hint=_HINT)
    key = unknown[1]
    known = {f.encode_name for t in _STRUCTS for f in msgspec.structs.fields(t)}
    hint = suggested(key, known - {*PRIVATE}, _HINT)
    return ConfigError(
        f"unknown setting `{key}`", where=_where(path, text, [*steps, key]), hint=hint
    )


def _where(path: Path, text: str, steps: list[str]) -> str:
    """`file:line:column` of a setting, or of what it would stand in."""
    import yaml

    node, mark = yaml.compose(text, yaml.CSafeLoader), None
    for step in steps:
        key, node = _inside(node, step)
        if key is None:
            break
        mark = key.start_mark
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"


def _inside(node: Any, step: str) -> tuple[Any, Any]:
    """The key (of a list: the value) and the value at one step; None where there is no such."""
    if node.id == "mapping":
        found = [(key, value) for key, value in node.value if key.value == step]
        return found[-1] if found else (None, node)
    if node.id == "sequence" and step.isdigit() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    return None, node


_STRUCTS: tuple[type[msgspec.Struct], ...] = (
    Config,
    Runtime,
    Scenario,
    Cluster,
    NamedCluster,
    PolicySettings,
    Namespaces,
    Trust,
    Identity,
    Registries,
    RegistryMirror,
    SignatureRepository,
    Release,
)
