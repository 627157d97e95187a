# SPDX-License-Identifier: Apache-2.0
"""Would Istio put a pod into the mesh: by a sidecar, or by ztunnel?

A sidecar needs two yeses. Stage A, the API server: the selectors of a webhook (istio/istio
manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml and
revision-tags-mwc.yaml). Stage B, istiod: `injectRequired` (pkg/kube/inject/inject.go). Ambient is
the node agent's choice: `Matches` (cni/pkg/util/enablement_selector.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kguard.inventory.selectors import (
    InvalidSelectorError,
    Requirement,
    Selector,
    parse_selector,
)
from kguard.model.manifests import JsonObject, mapping, sequence, strings

INJECT = "sidecar.istio.io/inject"
INJECTION = "istio-injection"
REVISION = "istio.io/rev"
DATAPLANE = "istio.io/dataplane-mode"
SIDECAR_STATUS = "sidecar.istio.io/status"
WEBHOOK_SUFFIX = "sidecar-injector.istio.io"
NEVER_INJECTED = ("kube-node-lease", "kube-public", "kube-system", "local-path-storage")
NEVER_AMBIENT = ("kube-system",)
DEFAULT_REVISION = "default"
_POLICIES = ("enabled", "disabled")


class Webhook(msgspec.Struct, frozen=True, order=True):
    """One webhook that injects sidecars: both selectors must match."""

    configuration: str
    name: str
    namespaces: Selector
    pods: Selector
    ref: str = ""
    """`Manifest.id` of the configuration; empty for a default one."""
    revision: str = DEFAULT_REVISION
    """Of the control plane that answers; it serves the pods from then on."""

    def matches(self, namespace_labels: Mapping[str, str], labels: Mapping[str, str]) -> bool:
        """Whether the API server sends a new pod to it."""
        return self.namespaces.matches(namespace_labels) and self.pods.matches(labels)


class Injector(msgspec.Struct, frozen=True):
    """The part of the ConfigMap `istio-sidecar-injector` that decides."""

    policy: str = "enabled"
    never: tuple[Selector, ...] = ()
    always: tuple[Selector, ...] = ()


def webhooks_of(configuration: JsonObject, name: str, ref: str = "") -> list[Webhook]:
    """The injecting webhooks of a MutatingWebhookConfiguration; others are left out."""
    found = []
    labels = strings(mapping(configuration.get("metadata")).get("labels"))
    revision = labels.get(REVISION, DEFAULT_REVISION)
    for entry in sequence(configuration.get("webhooks")):
        fields = mapping(entry)
        title = fields.get("name")
        if not isinstance(title, str) or not title.endswith(WEBHOOK_SUFFIX):
            continue
        try:
            namespaces = parse_selector(fields.get("namespaceSelector")) or Selector()
            pods = parse_selector(fields.get("objectSelector")) or Selector()
        except InvalidSelectorError:
            continue
        found.append(Webhook(name, title, namespaces, pods, ref, revision))
    return found


def default_webhooks(revisions: Iterable[str], *, by_default: bool = False) -> list[Webhook]:
    """The webhooks of the charts: those of each revision, and the default revision's.

    Args:
        revisions: beside the default one.
        by_default: the charts' `enableNamespacesByDefault`: pods without any label get a sidecar.
    """
    found = []
    for revision in sorted({*revisions, DEFAULT_REVISION}):
        around = [_in(REVISION, revision), _no(INJECTION)]
        found.append(_webhook("rev.namespace", around, [_NOT], revision))
        around = [_no(REVISION), _no(INJECTION)]
        found.append(_webhook("rev.object", around, [_NOT, _in(REVISION, revision)], revision))
    found.append(_webhook("namespace", [_in(INJECTION, "enabled")], [_NOT]))
    around = [_no(INJECTION), _no(REVISION)]
    found.append(_webhook("object", around, [_in(INJECT, "true"), _no(REVISION)]))
    if by_default:
        system = Requirement(_NAME, "NotIn", NEVER_INJECTED)
        found.append(_webhook("auto", [*around, system], [_no(INJECT), _no(REVISION)]))
    return found


_NAME = "kubernetes.io/metadata.name"


def _webhook(
    name: str,
    namespaces: list[Requirement],
    pods: list[Requirement],
    revision: str = DEFAULT_REVISION,
) -> Webhook:
    title = f"{name}.{WEBHOOK_SUFFIX}"
    return Webhook(
        "istio-sidecar-injector",
        title,
        Selector(tuple(sorted(namespaces))),
        Selector(tuple(sorted(pods))),
        revision=revision,
    )


def _in(key: str, value: str) -> Requirement:
    return Requirement(key, "In", (value,))


def _no(key: str) -> Requirement:
    return Requirement(key, "DoesNotExist")


_NOT = Requirement(INJECT, "NotIn", ("false",))


def injector_of(config: JsonObject) -> Injector:
    """Read the `config` of the injector's ConfigMap; unreadable selectors are skipped."""
    return Injector(
        policy=str(config.get("policy", "enabled")),
        never=tuple(_selectors(config.get("neverInjectSelector"))),
        always=tuple(_selectors(config.get("alwaysInjectSelector"))),
    )


def _selectors(value: object) -> Iterable[Selector]:
    for entry in sequence(value):
        try:
            selector = parse_selector(entry)
        except InvalidSelectorError:
            continue
        if selector is not None and not selector.is_empty:
            yield selector


def inject_required(
    injector: Injector,
    namespace: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    host_network: bool,
) -> bool:
    """Whether istiod adds a sidecar to a pod that a webhook sent to it."""
    if host_network or namespace in NEVER_INJECTED or injector.policy not in _POLICIES:
        return False
    wish = labels.get(INJECT, annotations.get(INJECT, ""))
    if wish in ("true", "false"):
        return wish == "true"
    if any(selector.matches(labels) for selector in injector.never):
        return False
    if any(selector.matches(labels) for selector in injector.always):
        return True
    return injector.policy == "enabled"


class NodeAgent(msgspec.Struct, frozen=True):
    """What istio-cni is told about ambient; the defaults are those of its chart."""

    ref: str = ""
    """`Manifest.id` of its ConfigMap; empty where the input has none."""
    ambient: bool = True
    """Whether it takes pods into ambient at all; without its ConfigMap labels are believed."""
    excluded: tuple[str, ...] = NEVER_AMBIENT
    """Namespaces that it leaves alone."""
    selectors: tuple[tuple[Selector, Selector], ...] = ()
    """Pairs for namespaces and pods, of which one must match; empty for the default ones."""


def node_agent(data: Mapping[str, str], namespace: str, selectors: object, ref: str) -> NodeAgent:
    """Read the ConfigMap of istio-cni.

    Args:
        data: of the ConfigMap.
        namespace: where istio-cni runs; it leaves that alone too.
        selectors: the parsed `AMBIENT_ENABLEMENT_SELECTOR`.
        ref: `Manifest.id` of the ConfigMap.
    """
    excluded = [word.strip() for word in data.get("EXCLUDE_NAMESPACES", "").split(",")]
    return NodeAgent(
        ref,
        ambient=data.get("AMBIENT_ENABLED") != "false",
        excluded=tuple(sorted({word for word in (*excluded, namespace) if word})),
        selectors=tuple(_pairs(selectors)),
    )


def _pairs(value: object) -> Iterable[tuple[Selector, Selector]]:
    for entry in sequence(value):
        fields = mapping(entry)
        try:
            namespaces = parse_selector(fields.get("namespaceSelector")) or Selector()
            pods = parse_selector(fields.get("podSelector")) or Selector()
        except InvalidSelectorError:
            continue
        yield namespaces, pods


def ambient_selected(
    namespace_labels: Mapping[str, str],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    *,
    host_network: bool,
    selectors: tuple[tuple[Selector, Selector], ...] = (),
) -> bool:
    """Whether the node agent redirects the pod to ztunnel, by its default selectors or others."""
    if host_network or SIDECAR_STATUS in annotations:
        return False
    return any(
        namespaces.matches(namespace_labels) and pods.matches(labels)
        for namespaces, pods in selectors or _AMBIENT
    )


_ASKED = Requirement(DATAPLANE, "In", ("ambient",))
_AMBIENT = (
    (Selector(), Selector((_ASKED,))),
    (Selector((_ASKED,)), Selector((Requirement(DATAPLANE, "NotIn", ("none",)),))),
)
