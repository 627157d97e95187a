# SPDX-License-Identifier: Apache-2.0
"""Which reports do the tests of the reporters show?"""

from __future__ import annotations

from kguard.model.findings import (
    Assumed,
    Finding,
    Incomplete,
    LayerCoverage,
    Policy,
    Quote,
    Report,
    fingerprint,
)
from kguard.model.locations import Location
from kguard.model.manifests import NotEvaluated, ObjectRef

HOSTILE = 'a\x1b[31m"<script>alert(1)</script>|`b`\u202ec\r::error::d'


def policy(policy_id: str, severity: str = "high", **changes: object) -> Policy:
    layer = policy_id.partition("/")[0]
    fields: dict[str, object] = {
        "id": policy_id,
        "layer": layer,
        "package": "kguard." + policy_id.replace("/", ".").replace("-", "_"),
        "title": f"Title of {policy_id}",
        "description": "Why it is bad. What decides.",
        "severity": severity,
        "subjects": "workloads",
        "remedy": "isolate",
        "no_remedy": "",
        "kind": "effect",
        "controls": ("CIS-5.3.2",),
        "since": "0.1",
        "params": {},
        "input": "facts",
        "aliases": (),
        "deprecated": False,
        "related_resources": ("https://kubernetes.io/docs/",),
        "file": "policies/x.rego",
        "text": "package x",
        "has_unknown": True,
        "bundled": True,
    }
    return Policy(**{**fields, **changes})  # type: ignore[arg-type]


def finding(policy_id: str, name: str, severity: str = "high", **changes: object) -> Finding:
    target = ObjectRef("apps/v1", "Deployment", "shop", name)
    fields: dict[str, object] = {
        "fingerprint": fingerprint(policy_id, target, ""),
        "policy": policy_id,
        "layer": policy_id.partition("/")[0],
        "severity": severity,
        "state": "open",
        "target": target,
        "path": "",
        "message": f"any pod in the cluster can open {name}:6379",
        "locations": (
            Location(
                role="decides",
                file="deploy/netpol.yaml",
                line=9,
                column=3,
                end_line=10,
                end_column=7,
            ),
        ),
        "evidence": (
            Quote(
                role="decides",
                note="is selected by one policy only",
                file=f"deploy/{name}.yaml",
                line=14,
                column=1,
                text="  name: redis",
                object=f"Deployment shop/{name}",
                path="/metadata/name",
            ),
            Quote(
                role="decides",
                note="an empty rule admits everyone",
                file="deploy/netpol.yaml",
                line=10,
                column=3,
                text="  - {}",
            ),
            Quote(role="decides", note="no policy of the admin tier was found in the input"),
        ),
        "remedy": "isolate",
        "controls": ("CIS-5.3.2",),
    }
    return Finding(**{**fields, **changes})  # type: ignore[arg-type]


def report(*findings: Finding, **changes: object) -> Report:
    ids = {(f.policy, f.severity) for f in findings}
    fields: dict[str, object] = {
        "findings": findings,
        "complete": True,
        "incomplete": (),
        "coverage": {
            "network": LayerCoverage("evaluated", 14, 14, "workloads"),
            "mtls": LayerCoverage("evaluated", 11, 14, "workloads", "3 not in the mesh"),
            "images": LayerCoverage("not_evaluated", 0, 9, "images", "9 by reference"),
            "audit": LayerCoverage("no_evidence", 0, 0, "request families"),
            "runtime": LayerCoverage("no_evidence", 0, 0, "detections"),
            "manifests": LayerCoverage("evaluated", 40, 40, "objects"),
        },
        "not_evaluated": (),
        "assumed": {
            "kubernetes": Assumed("1.36", "assumed"),
            "istio": Assumed("1.31", "detected", "deploy/mesh.yaml"),
            "cni": Assumed("", "assumed"),
        },
        "scope": "app",
        "at": "2026-11-23T12:00:00Z",
        "inputs": ("deploy/",),
        "objects": 40,
        "policies": {name: policy(name, severity) for name, severity in ids},
        "facts": {},
    }
    return Report(**{**fields, **changes})  # type: ignore[arg-type]


def full() -> Report:
    """Something of everything that a report can hold."""
    waiver = {
        "by": "team-a",
        "until": "2027-01-31",
        "reason": "migration",
        "source": "waivers.yaml",
    }
    return report(
        finding("network/open-to-cluster", "redis", "critical"),
        *(finding("network/default-deny", f"app-{n}") for n in range(9)),
        finding("network/reachability", "maybe", state="unknown"),
        finding("mtls/port-not-strict", "payments", remedy=""),
        finding("images/unsigned", "web", "medium", state="waived", waiver=waiver),
        finding("images/mutable-tag", "web", "low", state="baseline"),
        finding(
            "manifests/duplicate-key",
            "twice",
            "info",
            locations=(
                Location(role="decides", cluster="prod", path="Deployment shop/twice/spec"),
            ),
            evidence=(
                Quote(role="decides", cluster="prod", object="Deployment shop/twice", path="/spec"),
            ),
        ),
        complete=False,
        incomplete=(Incomplete("deploy/broken.yaml:31:7", "found a tab", "replace it by spaces"),),
        not_evaluated=(NotEvaluated("charts/web", "a Helm chart: helm was not found on PATH"),),
    )


def hostile() -> Report:
    """Every text of the user's holds characters that could break out of the format."""
    bad = finding(
        "network/open-to-cluster",
        HOSTILE,
        message=HOSTILE,
        locations=(
            Location(role="decides", file=HOSTILE, line=1, column=1, end_line=1, end_column=2),
        ),
        evidence=(
            Quote(role="decides", note=HOSTILE, file=HOSTILE, line=1, text=HOSTILE, object=HOSTILE),
        ),
        waiver={"by": HOSTILE, "until": "2027-01-31", "reason": HOSTILE},
    )
    return report(
        bad,
        finding("mtls/x", "y", "low", state="waived", waiver=bad.waiver, message=HOSTILE),
        complete=False,
        incomplete=(Incomplete(HOSTILE, HOSTILE, HOSTILE),),
        not_evaluated=(NotEvaluated(HOSTILE, HOSTILE),),
        inputs=(HOSTILE,),
        assumed={"kubernetes": Assumed(HOSTILE, "assumed", HOSTILE)},
    )


def facts() -> dict[str, object]:
    """Facts documents as the five layers give them, one of everything that is drawn."""

    def ref(name: str, kind: str = "Deployment", namespace: str = "shop") -> dict[str, str]:
        return {"apiVersion": "apps/v1", "kind": kind, "namespace": namespace, "name": name}

    def admits(reach: str, *ports: str) -> dict[str, object]:
        return {"reach": reach, "ports": list(ports)}

    def workload(
        name: str, cluster: dict[str, object], namespace: str = "shop"
    ) -> dict[str, object]:
        return {
            "ref": ref(name, namespace=namespace),
            "doubt": "none",
            "ingress": {
                "isolation": "partial",
                "internet": admits("nothing"),
                "cluster": cluster,
                "namespace": admits("ports", "8080/TCP"),
                "admits": ["pods app=checkout on 8080/TCP"],
            },
        }

    def flow(source: str, target: str, verdict: str) -> dict[str, str]:
        return {
            "source": source,
            "target": target,
            "port": "8080/TCP",
            "basis": "environment",
            "verdict": verdict,
        }

    names = ("cart", "catalog", "checkout", "a-workload-with-a-name-that-is-far-too-long-to-draw")
    return {
        "network": {
            "workloads": [
                *(workload(name, admits("nothing")) for name in names),
                workload("redis", admits("ports", "6379/TCP"), "shop-data"),
            ],
            "flows": [
                flow("shop/checkout", "shop/cart", "allowed"),
                flow("shop/cart", "shop-data/redis", "blocked"),
                flow("any client of the internet", "shop/checkout", "unknown"),
            ],
        },
        "mtls": {
            "workloads": [
                {
                    "ref": ref("payments"),
                    "plane": "sidecar",
                    "reason": "enrolled",
                    "modes": [
                        {"ports": ["8443"], "effective": "permissive", "decided_by": "payments"},
                        {"ports": ["other"], "effective": "strict", "decided_by": "default"},
                    ],
                },
                {"ref": ref("export", "CronJob"), "plane": "none", "reason": "opted_out"},
            ]
        },
        "images": {
            "uses": [
                {
                    "ref": ref("cart"),
                    "image": "registry.example.com/shop/cart:1.4.2@sha256:" + "4" * 64,
                    "mutability": "digest",
                    "signature": "verified",
                    "signer": "shop-release",
                    "enforcement": "warn_only",
                }
            ]
        },
        "audit": {
            "servers": [
                {
                    "ref": {"kind": "ClusterConfiguration", "name": ""},
                    "recording": "on",
                    "backend": "log",
                    "policy_file": "/etc/kubernetes/audit-policy.yaml",
                }
            ],
            "policies": [
                {
                    "name": "audit-policy.yaml",
                    "state": "valid",
                    "families": [
                        {
                            "title": "Changes of RBAC",
                            "floor": "Metadata",
                            "level": "None",
                            "state": "hole",
                            "holes": [
                                {
                                    "rule": "rule 2",
                                    "witness": {"text": "system:serviceaccount:x:y creates a role"},
                                }
                            ],
                        }
                    ],
                }
            ],
        },
        "runtime": {
            "installations": [
                {
                    "ref": ref("falco", "DaemonSet", "falco"),
                    "version": "0.44.1",
                    "enabled": 6,
                    "loaded": 6,
                    "dead": 5,
                    "outputs": ["stdout"],
                    "delivered": "false",
                }
            ],
            "detections": [{"title": "A shell in a container", "state": "silent", "rule": "Shell"}],
            "nodes": [{"ref": ref("gpu-1", "Node", ""), "state": "unwatched", "detail": "taint"}],
        },
    }
