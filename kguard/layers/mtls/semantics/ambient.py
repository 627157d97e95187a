# SPDX-License-Identifier: Apache-2.0
"""Which plaintext connections does ztunnel deny?

In ambient mode istiod turns PeerAuthentications into DENY policies for ztunnel, and the result
differs from the sidecar's in a few classes. Authority: istio/istio
pilot/pkg/serviceregistry/ambient/authorization.go (`convertedSelectorPeerAuthentications`: which
policies are attached to a workload; `convertPeerAuthentication`: what a policy denies), the same
text from 1.26 to 1.32, policies.go and workloads.go (which policies are looked at), and
istio/ztunnel src/state.rs `assert_rbac` (an attached policy that does not exist is skipped).

Where the planes differ, as the named classes of this module:
- `F1` fails open: mesh STRICT, no mode of the namespace, workload PERMISSIVE or DISABLE, a port
  STRICT: the port accepts plaintext.
- `F2` fails open: mesh STRICT, a namespace policy without mode, workload without mode, a port
  PERMISSIVE: every port accepts plaintext.
- `O1` is too strict: parent STRICT, workload without mode, ports DISABLE and none PERMISSIVE.
- an empty `selector: {}` in a mesh or namespace policy is not what a missing selector is.
Older releases do not merge a policy with those above it, and later ones may mend the classes: of
both only what needs none of this is known (`is_known`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from kguard.layers.mtls.semantics.peerauth import Chain, Mode, PeerAuthentication

FIRST_RELEASE, LAST_RELEASE = (1, 26), (1, 32)
"""The release lines whose text this module follows."""
STATIC_STRICT = "istio_converted_static_strict"
_CONVERTED = "converted_peer_authentication_"
_OPEN = ("permissive", "disable")


def is_known(release: tuple[int, int] | None) -> bool:
    """Whether this release of istiod translates policies as this module says.

    Where nobody tells the release, it is taken to be a supported one.
    """
    return release is None or FIRST_RELEASE <= release <= LAST_RELEASE


class Denial(msgspec.Struct, frozen=True):
    """What a converted policy denies to connections without identity."""

    strict_ports: frozenset[int] = frozenset()
    """Ports that need an identity."""
    all_but: frozenset[int] | None = None
    """If set, every port but these needs an identity."""

    def denies(self, port: int) -> bool:
        """Whether a connection without identity to the port is denied."""
        if port in self.strict_ports:
            return True
        return self.all_but is not None and port not in self.all_but


class Attached(msgspec.Struct, frozen=True):
    """What istiod sends to ztunnel for one workload."""

    static_strict: bool
    own: PeerAuthentication | None
    """The workload policy whose converted form is attached."""
    denial: Denial | None
    """That form; None if `own` has none: a name that ztunnel does not find and skips."""

    def names(self, root: str) -> list[str]:
        """The names of the attached policies, as `istioctl ztunnel-config policies` shows them."""
        found = [f"{root}/{STATIC_STRICT}"] if self.static_strict else []
        if self.own:
            found.append(f"{self.own.namespace}/{_CONVERTED}{self.own.name}")
        return sorted(found)

    def denies_plaintext(self, port: int) -> bool:
        """Whether a connection without identity to the port is denied."""
        return self.static_strict or (self.denial is not None and self.denial.denies(port))


class AmbientIndex(msgspec.Struct, frozen=True):
    """All policies of a mesh as ambient looks at them."""

    root: str
    by_namespace: dict[str, list[PeerAuthentication]]

    def attached(self, namespace: str, labels: Mapping[str, str]) -> Attached:
        """What ztunnel gets for a pod."""
        chain = self._chain(namespace, labels)
        static, own = _keys(chain)
        denial = self._convert(own) if own else None
        return Attached(static, own, denial)

    def _chain(self, namespace: str, labels: Mapping[str, str]) -> Chain:
        root = [p for p in self.by_namespace.get(self.root, ()) if not p.has_selector]
        if namespace == self.root:
            root = [p for p in self.by_namespace.get(self.root, ()) if not p.selector]
            return Chain(_oldest(root), None, None)
        local = [p for p in self.by_namespace.get(namespace, ()) if p.selects(labels)]
        return Chain(
            _oldest(root),
            _oldest(p for p in local if not p.selector),
            _oldest(p for p in local if p.selector),
        )

    def _convert(self, policy: PeerAuthentication) -> Denial | None:
        parents = [
            _oldest(p for p in self.by_namespace.get(place, ()) if not p.has_selector)
            for place in (policy.namespace, self.root)
        ]
        return convert(policy, *parents)


def ambient_index(
    policies: Iterable[PeerAuthentication], root: str, revision: str = ""
) -> AmbientIndex:
    """Sort policies by namespace and precedence.

    Args:
        policies: in any order.
        root: the root namespace of the mesh.
        revision: of the control plane that ztunnel asks; empty sees policies of every revision.
    """
    found: dict[str, list[PeerAuthentication]] = {}
    for policy in sorted(policies, key=lambda policy: policy.age_key):
        if policy.revision and revision and policy.revision != revision:
            continue
        found.setdefault(policy.namespace, []).append(policy)
    return AmbientIndex(root, found)


def convert(
    policy: PeerAuthentication,
    namespace: PeerAuthentication | None,
    mesh: PeerAuthentication | None,
) -> Denial | None:
    """What a workload policy denies in ztunnel, merged with the policies above it.

    Returns:
        None where istiod makes no policy of it.
    """
    if not policy.ports:
        return None
    strict = {p for p, mode in policy.ports.items() if mode == "strict"}
    open_ports = {p for p, mode in policy.ports.items() if mode in _OPEN}
    if _strict_ports_elided(policy, namespace, mesh):
        strict = set()
    if _open_ports_elided(policy, namespace, mesh):
        open_ports = set()
    if policy.mode == "strict" and not open_ports:
        return None
    if not strict and not open_ports:
        return None
    return Denial(frozenset(strict), frozenset(open_ports) if open_ports else None)


def _strict_ports_elided(
    policy: PeerAuthentication,
    namespace: PeerAuthentication | None,
    mesh: PeerAuthentication | None,
) -> bool:
    # the third condition forgets to ask whether the workload has a mode of its own: class F1
    namespace_mode: Mode = namespace.mode if namespace else "unset"
    return (
        policy.mode == "strict"
        or (policy.mode == "unset" and namespace_mode == "strict")
        or (namespace_mode == "unset" and mesh is not None and mesh.mode == "strict")
    )


def _open_ports_elided(
    policy: PeerAuthentication,
    namespace: PeerAuthentication | None,
    mesh: PeerAuthentication | None,
) -> bool:
    if policy.mode != "unset":
        return policy.mode in _OPEN
    # a namespace policy without mode is not seen as "inherit" here: class F2
    if namespace is not None:
        return namespace.mode != "strict"
    return mesh is None or mesh.mode != "strict"


def _keys(chain: Chain) -> tuple[bool, PeerAuthentication | None]:
    """Whether the static STRICT policy is attached, and which workload policy is."""
    strict = chain.mesh is not None and chain.mesh.mode == "strict"
    if chain.namespace is not None and chain.namespace.mode != "unset":
        strict = chain.namespace.mode == "strict"
    own = chain.workload
    if own is None:
        return strict, None
    if own.mode != "unset":
        strict = own.mode == "strict"
    modes = set(own.ports.values())
    if own.mode == "strict":
        exception = bool(modes & set(_OPEN))
    elif strict:
        # only PERMISSIVE counts as an exception here, not DISABLE: class O1
        exception = "permissive" in modes
    else:
        return False, own if "strict" in modes else None
    return (False, own) if exception else (strict, None)


def _oldest(policies: Iterable[PeerAuthentication]) -> PeerAuthentication | None:
    return next(iter(policies), None)
